// Small conveniences; every page works without them.
"use strict";

// <form data-confirm="…"> asks before it is sent.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// <select data-submit> sends its form when it changes.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// An open menu closes when something else is clicked or Escape is pressed.
const menus = () => document.querySelectorAll("details.account[open], details.menu[open]");
document.addEventListener("click", (event) => {
  menus().forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") menus().forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
});

// <button data-toggles="id"> shows and hides a menu on small screens.
document.documentElement.classList.add("js");
document.querySelectorAll("[data-toggles]").forEach((button) => {
  button.addEventListener("click", () => {
    const open = document.getElementById(button.dataset.toggles).classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
});

// <div id="x" data-refresh="5"> is fetched again every so many seconds while somebody looks at it and types nothing.
document.querySelectorAll("[data-refresh][id]").forEach((region) => {
  const rounds = setInterval(async () => {
    if (document.hidden || region.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(region.id);
      if (fresh && fresh.innerHTML !== region.innerHTML) region.replaceChildren(...fresh.childNodes);
      if (!fresh || fresh.dataset.refresh) return;
      // It is over: the rest of the page is older than this, and nothing more will come.
      clearInterval(rounds);
      const main = document.getElementById("main");
      if (!main.contains(document.activeElement)) main.replaceChildren(...page.getElementById("main").childNodes);
    } catch { /* The next round tries again. */ }
  }, Number(region.dataset.refresh) * 1000);
});
