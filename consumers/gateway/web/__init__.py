"""HTTP: the server, its guard, the endpoints and the WebSocket."""
