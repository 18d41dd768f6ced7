// Asks the browser for a passkey and sends its answer. handleRegister and handleSignin are Flask-Security's.
"use strict";

document.querySelectorAll("form[data-passkey]").forEach(async (form) => {
  const status = form.querySelector("[data-passkey-status]");
  const fail = (sentence) => {
    status.textContent = sentence;
    status.className = "notice bad";
  };
  if (!window.PublicKeyCredential) {
    fail("This browser has no passkeys, or the portal is not reached over https. Nothing was changed.");
    return;
  }
  const ask = form.dataset.passkey === "register" ? handleRegister : handleSignin;
  const answer = await ask(form.dataset.options);
  if (answer.error_msg) {
    fail("The device did not answer, or you canceled. Nothing was changed.");
    return;
  }
  form.querySelector("[name=credential]").value = answer.credential;
  form.submit();
});
