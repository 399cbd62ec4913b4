// The ancestor's URL of the client: c10kws/client.js takes its place, before the next script runs.
(() => {
  "use strict";

  const own = document.currentScript;
  const client = document.createElement("script");
  client.src = new URL("../c10kws/client.js", own.src);
  if (own.nonce) client.nonce = own.nonce;
  if (own.async || own.defer) own.after(client);
  else document.write(client.outerHTML);
})();
