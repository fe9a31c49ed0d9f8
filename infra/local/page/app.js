"use strict";

// The CSRF token lives in memory only; after a reload GET /session gives it again.
let csrfToken = null;

const show = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function call(method, path, body) {
  const headers = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (csrfToken !== null && method !== "GET") headers["x-csrf-token"] = csrfToken;
  let status = 0, answer = null;
  try {
    const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    status = response.status;
    const text = await response.text();
    answer = text === "" ? null : JSON.parse(text);
  } catch (error) {
    answer = { detail: String(error) };
  }
  if (answer && answer.csrf_token) csrfToken = answer.csrf_token;
  if (!path.startsWith("/__local/") && path !== "/password/policy") note(method, path, status, answer);
  return { ok: status >= 200 && status < 300, status, answer };
}

function note(method, path, status, answer) {
  const line = element("li", `${method} ${path} → ${status}`);
  if (answer) line.append(element("pre", JSON.stringify(answer, null, 1)));
  show("answers").prepend(line);
  while (show("answers").childElementCount > 20) show("answers").lastElementChild.remove();
}

async function refresh() {
  const { ok, answer } = await call("GET", "/session");
  if (!ok) csrfToken = null;
  show("who").textContent = ok ? `Signed in as ${answer.account_id}, until ${answer.expires_at}.` : "Not signed in.";
  if (ok) await listSessions(); else show("sessions").replaceChildren();
}

async function listSessions() {
  const { ok, answer } = await call("GET", "/sessions");
  const sessions = ok ? answer.sessions : [];
  show("sessions").replaceChildren(...sessions.map((session) => {
    const line = element("li", `${session.ip}, ${session.user_agent}, last seen ${session.last_seen}${session.current ? " (this one)" : ""} `);
    const end = element("button", "End");
    end.addEventListener("click", async () => { await call("DELETE", `/sessions/${session.id}`); await refresh(); });
    line.append(end);
    return line;
  }));
}

async function readMailbox() {
  const { ok, answer } = await call("GET", "/__local/mailbox");
  const messages = ok ? answer.slice(-10).reverse() : [];
  show("mailbox").replaceChildren(...messages.map(({ body }) => {
    const line = element("li", `${body.kind} to ${body.to}, ${body.created_at}`);
    if (body.token) line.append(element("pre", body.token));
    return line;
  }));
}

async function showRules() {
  const { ok, answer } = await call("GET", "/password/policy");
  const rules = ok ? answer.rules : [];
  show("rules").replaceChildren(...rules.map((rule) => element("li", rule.message, "quiet")));
}

const actions = {
  async signUp({ email, password }) { await call("POST", "/signup", { email, password }); await readMailbox(); },
  async confirm({ token, password }) { await call("POST", "/signup/confirm", { token, password }); await readMailbox(); },
  async logIn({ identifier, password }) {
    // For the browser's own password manager; fields without a name are not sent.
    for (const field of document.querySelectorAll(".identifier")) field.value = identifier;
    if ((await call("POST", "/login", { identifier, password })).ok) await refresh();
  },
  async logOut() { await call("POST", "/logout"); await refresh(); },
  listSessions,
  async endOthers() { await call("DELETE", "/sessions?scope=others"); await refresh(); },
  async endAll() { await call("DELETE", "/sessions?scope=all"); await refresh(); },
  async protected() { await call("GET", "/protected"); },
  async change(fields) { if ((await call("POST", "/password/change", fields)).ok) { await refresh(); await readMailbox(); } },
  async reauthenticate({ password }) { if ((await call("POST", "/session/reauthenticate", { password })).ok) await refresh(); },
  async requestReset({ identifier }) { await call("POST", "/password/reset/request", { identifier }); await readMailbox(); },
  async reset(fields) { await call("POST", "/password/reset", fields); await refresh(); },
  readMailbox,
};

for (const form of document.querySelectorAll("form[data-action]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    for (const secret of form.querySelectorAll("input[type=password]")) secret.value = "";
    form.setAttribute("aria-busy", "true");
    await actions[form.dataset.action](fields);
    form.setAttribute("aria-busy", "false");
  });
}

refresh();
showRules();
