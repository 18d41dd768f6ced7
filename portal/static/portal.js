// Small conveniences; every page works without them.
"use strict";

// <form data-confirm="…"> asks before it is sent. A form that is on its way is not sent a second time, and its button says so.
document.addEventListener("submit", (event) => {
  const form = event.target, question = form.dataset.confirm;
  if (event.defaultPrevented) return;
  if (form.dataset.sent || (question && !window.confirm(question))) { event.preventDefault(); return; }
  if (form.method !== "post") return;
  form.dataset.sent = "yes";
  event.submitter?.classList.add("busy");
  setTimeout(() => arrived(form), 8000);
});
const arrived = (form) => { delete form.dataset.sent; form.querySelectorAll(".busy").forEach((each) => each.classList.remove("busy")); };
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(arrived));

// What was refused is where the keyboard starts.
document.querySelector("main [aria-invalid=true]")?.focus();

// "3 min ago" goes on counting while the page is looked at; `portal/web/formatting.py` writes the same words.
const ago = (seconds) => {
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) if (seconds >= size) return `${Math.floor(seconds / size)} ${name} ago`;
  return "just now";
};
setInterval(() => {
  if (document.hidden) return;
  document.querySelectorAll("time[datetime]").forEach((time) => {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (!/ ago$|^just now$/.test(time.textContent) || seconds < 10 || seconds >= 7 * 86400) return;
    const words = ago(seconds);
    if (words !== time.textContent) time.textContent = words;
  });
}, 10000);

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
  if (event.key !== "Escape") return;
  menus().forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  document.querySelectorAll("[data-toggles][aria-expanded=true]").forEach((button) => { button.click(); button.focus(); });
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
      if (!fresh) return;
      const over = !fresh.dataset.refresh, main = document.getElementById("main");
      if (over) clearInterval(rounds);
      // Nothing more will come, and the rest of the page is older than this: all of it is taken over.
      if (over && !main.contains(document.activeElement)) main.replaceChildren(...page.getElementById("main").childNodes);
      else if (fresh.innerHTML !== region.innerHTML) region.replaceChildren(...fresh.childNodes);
    } catch { /* The next round tries again. */ }
  }, Number(region.dataset.refresh) * 1000);
});
