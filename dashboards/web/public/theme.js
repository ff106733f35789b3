// Runs before the first paint, or the light theme would begin with a dark flash.
document.documentElement.dataset.theme = localStorage.getItem("pitbox.theme") === "light" ? "light" : "dark";
