// Puts the code of the link into the form, takes it out of the address and the history, and signs in.
function signIn() {
  const code = location.hash.slice(1);
  if (!code) return;
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("code").value = code;
  document.getElementById("sign-in").submit();
}
signIn();
addEventListener("hashchange", signIn); // another link in the same window
