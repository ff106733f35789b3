"""The hub on one machine: servers, services and simulated cars as processes of one stack."""
