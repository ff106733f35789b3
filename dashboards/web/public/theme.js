// Before the first paint, so that the light theme does not begin with a dark flash.
document.documentElement.dataset.theme = localStorage.getItem("pitbox.theme") === "light" ? "light" : "dark";
