// Answers to forms without leaving the page; each form works without this, with a page of its own.
"use strict";

// The page that the server answers with, or null.
async function answerTo(url, body) {
  try {
    const answer = await fetch(url, { method: "POST", body, headers: { Accept: "text/html" } });
    return answer.redirected ? null : new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch { return null; }
}

// Take over the part with this id. False when the answer has none.
function takeOver(page, id) {
  const fresh = page && page.getElementById(id);
  if (fresh) document.getElementById(id).replaceChildren(...fresh.childNodes);
  return Boolean(fresh);
}

// The reasons beside a field are those of the answer.
function showReasons(field, page) {
  const input = field.querySelector("[id][name]");
  const there = input && page.getElementById(input.id);
  if (!there) return;
  const reasons = [...there.closest(".field").querySelectorAll(".field-error")];
  field.querySelectorAll(".field-error").forEach((each) => each.remove());
  field.classList.toggle("invalid", reasons.length > 0);
  if (!reasons.length) return input.removeAttribute("aria-invalid");
  input.setAttribute("aria-invalid", "true");
  let help = document.getElementById(`${input.id}-help`);
  if (!help) {
    help = Object.assign(document.createElement("div"), { id: `${input.id}-help`, className: "field-help" });
    field.append(help);
    input.setAttribute("aria-describedby", help.id);
  }
  help.prepend(...reasons);
}

// <button data-into="id"> in a form: the answer goes there, and what was typed or chosen stays.
document.addEventListener("submit", async (event) => {
  const { target: form, submitter: button } = event;
  if (!button || !button.dataset.into || button.dataset.plain || form.dataset.sent) return;
  // Before anybody else takes the form for one that leaves the page.
  event.preventDefault();
  event.stopPropagation();
  const body = new FormData(form);
  if (button.name) body.append(button.name, button.value);
  button.disabled = true;
  const page = await answerTo(button.hasAttribute("formaction") ? button.formAction : form.action, body);
  button.disabled = false;
  if (takeOver(page, button.dataset.into)) {
    form.querySelectorAll(".field").forEach((field) => showReasons(field, page));
    return;
  }
  // A page of its own then, such as the question for the password.
  button.dataset.plain = "yes";
  form.requestSubmit(button);
  delete button.dataset.plain;
}, true);

// <form data-live>: what its button with data-into does happens by itself a moment after somebody has typed.
// Only fields in which somebody was are called wrong.
document.querySelectorAll("form[data-live]").forEach((form) => {
  const button = form.querySelector("button[data-into]");
  const touched = new Set();
  let timer = 0;
  let newest = 0;
  async function ask() {
    const mine = ++newest;
    const page = await answerTo(button.formAction, new FormData(form));
    if (mine !== newest || !takeOver(page, button.dataset.into)) return;
    form.querySelectorAll(".field").forEach((field) => {
      const input = field.querySelector("[id][name]");
      if (input && touched.has(input.name)) showReasons(field, page);
    });
  }
  form.addEventListener("input", (event) => {
    touched.add(event.target.name);
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  });
});

// <input type="checkbox" data-all="name"> ticks all boxes of that name, and is ticked when they are.
document.querySelectorAll("input[data-all]").forEach((all) => {
  const boxes = [...document.querySelectorAll(`input[type="checkbox"][name="${all.dataset.all}"]`)];
  const look = () => { all.checked = boxes.every((box) => box.checked); };
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
  boxes.forEach((box) => box.addEventListener("change", look));
});
