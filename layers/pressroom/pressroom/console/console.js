// The console. It requests data from the ops API and draws it: no framework, no build.
//
// All text of an order, a webhook or a printer is untrusted. It enters the page as text (`data`, `clean`), never as
// markup, and as a link only if it is http or https (`outside`). The token is kept in `token` only.

const view = document.getElementById("view");
const bar = document.getElementById("bar");
const searchField = document.getElementById("search-field");
const live = document.getElementById("live");

const REFRESH_MS = 30_000;
const REPLAY_MS = 60_000;
const LATE_MS = 3_600_000; // the monitor runs every 15 minutes
const MOST_LANES = 40;
const MOST_MARKS = 400;
const MOST_EMPTY = 5;
const MOST_REASONS = 5;
const MOST_PIECE = 13;

// The lists that Python knows: partners and other sources by name, statuses, states and reasons for attention.
const { names: NAMES, printers: PRINTERS, statuses: STATUSES, open: OPEN, final: FINAL, stuck: STUCK, reasons: REASONS, about: ABOUT, file_failed: FILE_FAILED, oms_id: OMS } =
  JSON.parse(document.getElementById("lists").textContent);

let token = null;
let visit = new AbortController(); // of the current view: its requests end with it
let timer = 0;
let email = null; // that was searched for last
let first = null; // the overview that was loaded with signing in

// --- building the page ---

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(3).filter((child) => child != null && child !== false));
  return node;
}

const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Control characters, and those that change the direction of a text, are replaced by a visible character.
const clean = (text) =>
  String(text ?? "")
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

function short(text, most = 60) {
  const whole = clean(text);
  return whole.length > most ? `${whole.slice(0, most).toWellFormed()}…` : whole;
}

// Tracking numbers differ at their end.
function ending(text, most) {
  const whole = clean(text);
  if (whole.length <= most) return whole;
  const tail = Math.min(6, most - 1);
  return `${whole.slice(0, most - 1 - tail)}…${whole.slice(-tail)}`.toWellFormed();
}

function data(text, most = 200) {
  const whole = clean(text);
  if (whole.length <= most) return el("bdi", {}, whole);
  return el("details", { class: "long" }, el("summary", {}, el("bdi", {}, short(whole, most))), el("bdi", {}, whole));
}

const place = (area, id) => `#/${area}/${encodeURIComponent(String(id).toWellFormed())}`;
// A text as short as a topic's name is not broken where a table has little room.
const piece = (text) => clean(text).length <= MOST_PIECE && "piece";
const inside = (area, id, text = id) =>
  el("a", { href: place(area, id) }, el("bdi", { class: piece(text) }, short(text)));

function outside(url, text = url) {
  let to;
  try {
    to = new URL(url);
  } catch {
    return data(text);
  }
  if (to.protocol !== "http:" && to.protocol !== "https:") return data(text);
  return el("a", { href: to.href, target: "_blank", rel: "noopener noreferrer" }, el("bdi", {}, short(text)));
}

const exactly = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const roughly = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const hourly = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const number = new Intl.NumberFormat("en");
const counted = ({ count, more }) => `${number.format(count)}${more ? "+" : ""}`;
// With the decimals of the currency. Both are untrusted: what is no currency is shown as it is.
function money(amount, currency) {
  if (amount == null) return "–";
  try {
    return new Intl.NumberFormat("en", { style: "currency", currencyDisplay: "code", currency }).format(amount);
  } catch {
    return data([amount, currency].filter(Boolean).join(" "), 60);
  }
}
const plural = (count, what) => `${number.format(count)} ${what}${count === 1 ? "" : "s"}`;
const named = (provider) => NAMES[provider] ?? clean(provider);
const words = (name) => clean(name).replaceAll("_", " ");
const styled = (status) => (STATUSES.includes(status) ? status : "other");

function ago(date) {
  const seconds = (date - Date.now()) / 1000;
  if (Math.abs(seconds) < 45) return "just now";
  for (const [unit, size] of [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
  ])
    if (Math.abs(seconds) >= size || unit === "minute") return relative.format(Math.round(seconds / size), unit);
}

function time(iso, format = (date) => roughly.format(date)) {
  const date = new Date(iso ?? NaN);
  if (Number.isNaN(date.getTime())) return el("span", { class: "quiet-text" }, "–");
  return el("time", { datetime: iso, title: exactly.format(date) }, format(date));
}

function lasting(ms) {
  const hours = Math.round(ms / 3_600_000);
  return hours >= 48
    ? `${Math.round(hours / 24)} days`
    : hours >= 1
      ? `${hours} h`
      : `${Math.max(1, Math.round(ms / 60_000))} min`;
}

const badge = (status) => el("span", { class: `badge s-${styled(status)}` }, words(status));
const warn = (text) => el("span", { class: "badge danger" }, text);
const section = (title, ...content) => el("section", {}, el("h2", {}, title), content);
const none = (text) => el("p", { class: "none" }, text);

function table(caption, columns, rows) {
  const cells = (row) =>
    columns.map(([label, show]) => {
      const shown = show(row);
      return el("td", { role: "cell", "data-label": label, class: shown === "–" && "nil" }, shown);
    });
  return el(
    "table",
    { role: "table" },
    el("caption", { class: "unseen" }, caption),
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        columns.map(([label]) => el("th", { role: "columnheader", scope: "col" }, label)),
      ),
    ),
    el(
      "tbody",
      { role: "rowgroup" },
      rows.map((row) => el("tr", { role: "row" }, cells(row))),
    ),
  );
}

const listed = (pairs) =>
  el(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value != null)
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );

// --- asking the API ---

class Problem extends Error {}

// `given` is a token that was just entered: the page keeps it once the API has accepted it.
async function ask(path, { method = "GET", signal = visit.signal, given, body } = {}) {
  const headers = { Authorization: `Bearer ${given ?? token}`, "X-Actor": "console" };
  let answer;
  try {
    // Relative to the page: the API may stand under a path, of a custom domain or of the local cloud.
    answer = await fetch(`.${path}`, { method, headers, body, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new Problem("Pressroom can't be reached. Check your connection, then try again.");
  }
  if (answer.status === 401) {
    if (!given) leave("The ops token isn't valid any more. Sign in with the current one.");
    throw new Problem("This ops token isn't valid.");
  }
  const content = await answer.json().catch(() => null);
  signal.throwIfAborted();
  if (!answer.ok) throw new Problem(clean(content?.detail ?? content?.message ?? `Pressroom answered ${answer.status}.`));
  return content;
}

// The gateway decodes a path before it matches the route, and a browser removes "." and ".." from a path: see
// pressroom/platform/paths.py, which does the same.
function quoted(id) {
  const marked = id.replace(/%(?=(25)*(2[EF]|3F))/gi, "%25").replaceAll("/", "%2F").replaceAll("?", "%3F");
  return encodeURIComponent(id === "." || id === ".." ? id.replaceAll(".", "%2E") : marked);
}

const at = (path, id, rest = "") => `/${path}/${quoted(String(id).toWellFormed())}${rest}`;

function query(path, wanted) {
  const given = Object.entries(wanted).filter(([, value]) => value);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

// --- signing in and out ---

function signIn(reason = "") {
  bar.hidden = true;
  const problem = el("p", { class: "problem", role: "alert" }, reason);
  const field = el("input", {
    id: "token",
    type: "password",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "hint",
  });
  const button = el("button", { class: "main" }, "Sign in");
  const submit = async (event) => {
    event.preventDefault();
    const given = field.value.trim();
    if (!given || button.getAttribute("aria-disabled")) return;
    problem.textContent = "";
    button.setAttribute("aria-disabled", "true");
    try {
      if (!/^[\x21-\x7e]+$/.test(given)) throw new Problem("This ops token isn't valid.");
      first = await ask("/overview", { given, signal: new AbortController().signal }); // not aborted by navigation
      token = given;
      field.value = "";
      bar.hidden = false;
      route();
    } catch (error) {
      problem.textContent = error instanceof Problem ? error.message : String(error);
      field.select();
      field.focus();
    }
    button.removeAttribute("aria-disabled");
  };
  const hint = "This page keeps the token in memory only. After a reload, sign in again.";
  show(
    "Sign in",
    el(
      "form",
      { class: "sign-in", submit },
      el("h1", { tabindex: "-1" }, "Pressroom"),
      el("label", { for: "token" }, "Ops token"),
      field,
      el("p", { id: "hint", class: "quiet-text" }, hint),
      problem,
      button,
    ),
  );
  field.focus();
}

function leave(reason) {
  token = null;
  first = email = null;
  searchField.value = "";
  visit.abort();
  visit = new AbortController();
  clearTimeout(timer);
  signIn(reason);
}

// --- which view, and moving between them ---

function show(title, ...content) {
  view.removeAttribute("aria-busy");
  view.classList.remove("leaving");
  view.replaceChildren(...content.flat(3).filter(Boolean));
  document.title = `${title} · Pressroom`;
}

function route() {
  visit.abort();
  visit = new AbortController();
  clearTimeout(timer);
  if (!token) return view.querySelector(".sign-in") ? null : signIn();
  const [path, asked = ""] = location.hash.slice(1).split("?");
  const [, name, ...rest] = path.split("/");
  let id = "";
  try {
    id = decodeURIComponent(rest.join("/"));
  } catch {
    // an unknown place: the list is shown
  }
  const views = { overview, orders: id ? order : orders, inbox, products, webhooks: webhook, deliveries: delivery };
  const known = Object.hasOwn(views, name);
  for (const link of bar.querySelectorAll("nav a")) {
    if (link.hash === `#/${known ? name : "overview"}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const make = known && (id || !["webhooks", "deliveries"].includes(name)) ? views[name] : overview;
  if (make !== overview) first = null;
  render(() => make(id, new URLSearchParams(asked)));
}

async function render(make, { again = false } = {}) {
  const mine = visit;
  view.setAttribute("aria-busy", "true");
  view.classList.toggle("leaving", !again);
  try {
    const [title, ...content] = await make();
    if (mine.signal.aborted) return;
    const focused = view.contains(document.activeElement);
    const held = focused && document.activeElement.getAttribute("href");
    const top = window.scrollY;
    show(title, content);
    if (!again) {
      window.scrollTo(0, 0);
      view.querySelector("h1").focus({ preventScroll: true });
    } else {
      window.scrollTo(0, top);
      const same = held && [...view.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === held);
      if (focused) (same || view.querySelector("h1")).focus({ preventScroll: true });
    }
  } catch (error) {
    if (mine.signal.aborted) return;
    if (!(error instanceof Problem)) console.error(error);
    const text = error instanceof Problem ? error.message : "The console could not display this page.";
    if (again) outdated(text);
    else {
      show(
        "Not shown",
        heading("Not shown"),
        el("p", { class: "problem", role: "alert" }, text),
        button("Try again", () => route()),
      );
      view.querySelector("h1").focus({ preventScroll: true });
    }
  }
  view.removeAttribute("aria-busy");
}

const heading = (...content) => el("h1", { tabindex: "-1" }, content);
const button = (text, click, attributes = {}) => el("button", { type: "button", click, ...attributes }, text);

// A button for something with consequences. It first asks, and says what will happen.
function asking(label, consequence, act, attributes = {}) {
  const block = el("span", {});
  const back = () => {
    block.replaceChildren(control);
    control.focus();
  };
  const control = button(
    label,
    () => {
      const yes = button(label, async () => {
        if (yes.getAttribute("aria-disabled")) return;
        yes.setAttribute("aria-disabled", "true");
        await act();
        if (block.isConnected) back();
      });
      const keydown = (event) => event.key === "Escape" && back();
      const group = { class: "asked", role: "group", "aria-label": label, keydown };
      block.replaceChildren(el("div", group, el("p", {}, consequence), yes, " ", button("Cancel", back)));
      yes.focus();
    },
    attributes,
  );
  block.append(control);
  return block;
}

function announce(text) {
  live.textContent = text;
}

// The content stays, with a note that it is not current.
function outdated(text) {
  view.querySelector(".outdated")?.remove();
  const head = view.querySelector(".head") ?? view.querySelector("h1");
  head.after(el("p", { class: "problem outdated", role: "alert" }, `This page may be out of date. ${text}`));
}

function later(task) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!document.hidden) return task();
    document.addEventListener("visibilitychange", task, { once: true, signal: visit.signal });
  }, REFRESH_MS);
}

// --- the overview ---

async function overview() {
  const { signal } = visit;
  const refresh = () => render(overview, { again: true });
  let known, health;
  try {
    [known, health] = await Promise.all([first ?? ask("/overview"), ask("/conditions")]);
  } finally {
    first = null;
    if (!signal.aborted) later(refresh); // after a failure, too
  }
  const dead = known.deliveries.reduce((sum, each) => sum + each.dead.count, 0);
  const needs = [
    ["Orders", known.attention, "#/orders?attention=any"],
    ["Dead deliveries", { count: dead, more: known.deliveries.some((each) => each.dead.more) }, "#/inbox"],
    ["Failed webhooks", known.webhooks.failed, "#/inbox"],
    ["Unhandled webhooks", known.webhooks.unhandled, "#/inbox"],
  ];
  return [
    "Overview",
    el(
      "div",
      { class: "head" },
      heading("Overview"),
      el(
        "p",
        { class: "quiet-text" },
        "as of ",
        time(known.at, (date) => hourly.format(date)),
      ),
      button("Refresh", refresh),
    ),
    conditions(health, known.refused),
    section(
      "Needs attention",
      el(
        "ul",
        { class: "tiles four" },
        needs.map(([name, count, to]) => tile(name, count, to, count.count ? "danger" : "calm")),
      ),
    ),
    section(
      "Orders",
      el(
        "ul",
        { class: "tiles" },
        known.orders.map((each) =>
          tile(words(each.status), each, `#/orders?status=${encodeURIComponent(each.status)}`, `s-${each.status}`),
        ),
      ),
    ),
    el(
      "div",
      { class: "columns" },
      section(
        "Webhooks in the last 24 hours",
        el(
          "ul",
          { class: "providers" },
          known.providers.map((each) => traffic(each, known.hours)),
        ),
      ),
      section(
        "Deliveries",
        table(
          "Deliveries by destination",
          [
            ["To", (each) => named(each.destination)],
            ["Waiting", (each) => counted(each.pending)],
            ["Dead", (each) => (each.dead.count ? warn(`${counted(each.dead)} dead`) : "none")],
          ],
          known.deliveries,
        ),
      ),
    ),
  ];
}

const tile = (name, count, to, kind) =>
  el(
    "li",
    { class: `tile ${kind}${count.count ? "" : " zero"}` },
    el("a", { href: to }, el("strong", {}, counted(count)), " ", el("span", {}, name)),
  );

// The overview has the reasons of refusals as they are now: they are shown instead of their condition.
function conditions({ conditions: found, looked_at: looked }, refused = []) {
  const standing = refused.length ? found.filter((each) => each.name !== "genuine_refused") : found;
  const away = looked
    ? ["The last health check was at ", time(looked), ". There should be one every 15 minutes."]
    : "There has been no health check yet. There is one every 15 minutes.";
  const isLate = !looked || Date.now() - Date.parse(looked) > LATE_MS;
  if (!standing.length && !refused.length) return isLate ? el("p", { class: looked ? "problem" : "quiet-text" }, away) : null;
  const each = (condition) =>
    el("li", {}, sentence(condition.text), " ", el("span", { class: "quiet-text" }, "(since ", time(condition.since), ")"));
  return el(
    "section",
    { class: "notice" },
    el("h2", {}, "Problems of the installation"),
    el("ul", {}, refused.length ? refusals(refused) : null, standing.map(each)),
    isLate || standing.length
      ? el("p", {}, isLate ? away : ["Checked ", time(looked, ago), ". Problems fixed since then are still shown."])
      : null,
  );
}

function refusals(refused) {
  const listed = (some) => el("ul", {}, some.map((each) => el("li", {}, sentence(each.text))));
  const rest = refused.slice(MOST_REASONS);
  return el(
    "li",
    {},
    "Refused in the last week, and not kept. Correct the sender, then send again what was refused:",
    listed(refused.slice(0, MOST_REASONS)),
    rest.length ? el("details", {}, el("summary", {}, plural(rest.length, "further reason")), listed(rest)) : null,
  );
}

// A sentence has times in UTC, and names in backticks. The console shows all times in the time zone of the browser.
const sentence = (text) =>
  clean(text)
    .split(/(\d{4}-\d\d-\d\d \d\d:\d\d UTC|`[^`]+`)/)
    .map((part, n) => {
      if (n % 2 === 0) return data(part, 400);
      return part[0] === "`" ? el("code", {}, part.slice(1, -1)) : time(`${part.slice(0, 10)}T${part.slice(11, 16)}Z`);
    });

function traffic(provider, hours) {
  const { received, more } = provider;
  const most = Math.max(...received, 1);
  const total = received.reduce((sum, count) => sum + count, 0);
  const top = received.indexOf(Math.max(...received));
  const peak = total ? `, most of them (${received[top]}) in the hour from ${hourly.format(new Date(hours[top]))}` : "";
  const bars = received.map((count, hour) =>
    draw("rect", {
      x: hour * 10 + 1,
      width: 8,
      height: count ? Math.max(3, (count / most) * 34) : 1,
      y: 36 - (count ? Math.max(3, (count / most) * 34) : 1),
      class: count ? "bar" : "bar empty",
    }),
  );
  const text = `${named(provider.provider)}: ${counted({ count: total, more })} webhook${total === 1 && !more ? "" : "s"} in the last 24 hours${peak}`;
  return el(
    "li",
    {},
    el("span", { class: "who" }, named(provider.provider)),
    el("span", { class: "last" }, provider.last_heard_at ? time(provider.last_heard_at, ago) : "none in 45 days"),
    draw("svg", { viewBox: "0 0 240 37", preserveAspectRatio: "none", role: "img", "aria-label": text }, bars),
    el("span", { class: "total", "aria-hidden": "true" }, counted({ count: total, more })),
  );
}

// Personal data of an order, on request.
function onRequest(label, path, method, showing) {
  const block = el("div", { role: "status" });
  const control = button(label, async () => {
    if (control.getAttribute("aria-disabled")) return;
    control.setAttribute("aria-disabled", "true");
    try {
      block.replaceChildren(...showing(await ask(path, { method })));
    } catch (error) {
      control.removeAttribute("aria-disabled");
      if (error instanceof Problem) block.replaceChildren(control, " ", data(error.message, 400));
    }
  });
  block.append(control, " ", el("span", { class: "quiet-text" }, "each time is recorded"));
  return block;
}

const recipient = (id) =>
  onRequest("Show the recipient", at("orders", id, "/recipient"), "POST", ({ recipient: to }) => {
    const town = [to.zip, to.city, to.province, to.country_code].filter(Boolean).join(" ");
    const lines = [to.name, to.company, to.address1, to.address2, town, to.email, to.telephone];
    return lines.filter(Boolean).map((line) => el("div", {}, data(line)));
  });

const atOms = (id) =>
  onRequest("Show the order as the OMS has it", at("orders", id, "/at-oms"), "GET", (answer) => [
    ...answer.orders.map(({ uid, order: content, problem }) => [
      el("p", {}, data(uid, 60), problem ? [": ", data(problem, 200)] : null),
      content
        ? el("pre", { tabindex: "0", role: "region", "aria-label": `At the OMS: ${short(uid)}` }, clean(JSON.stringify(content, null, 2)))
        : null,
    ]),
    answer.uid_unknown ? el("p", {}, REASONS.uid_unknown) : null,
    answer.orders.length || answer.uid_unknown ? null : none("The OMS has no order for it, as far as Pressroom knows."),
  ].flat().filter(Boolean));

// --- lists of orders ---

const CHOICES = {
  status: ["Any status", STATUSES.map((each) => [each, words(each)])],
  provider: ["Any printer", PRINTERS.map((each) => [each, named(each)])],
  attention: [
    "With or without",
    [["any", "any reason"], ...Object.keys(REASONS).map((each) => [each, words(each)])],
  ],
  stalled: [
    "Any time",
    [
      ["24", "over a day ago"],
      ["72", "over 3 days ago"],
      ["168", "over a week ago"],
    ],
  ],
};
const LABELS = { status: "Status", provider: "Printer", attention: "Attention", stalled: "Last message" };

async function orders(_, wanted) {
  // An e-mail address is not written into the address of the page, which the browser keeps.
  const text = (wanted.has("email") ? email : wanted.get("q"))?.trim();
  if (text) return find(text);
  const filters = Object.fromEntries(Object.keys(CHOICES).map((name) => [name, wanted.get(name) ?? ""]));
  const next = (cursor) => query("/orders", { ...filters, cursor });
  const found = await seek(await ask(query("/orders", filters)), "orders", next);
  const change = () => {
    const given = Object.fromEntries([...form.elements].map((field) => [field.name, field.value]));
    if (given.stalled && given.status && !OPEN.includes(given.status)) given.status = ""; // only open orders are stalled
    location.hash = query("#/orders", given);
  };
  const form = el(
    "form",
    { class: "filters", "aria-label": "Filters", submit: (event) => event.preventDefault() },
    Object.entries(CHOICES).map(([name, [any, options]]) =>
      el(
        "label",
        {},
        el("span", {}, LABELS[name]),
        el(
          "select",
          { name, change },
          [["", any], ...options].map(([value, label]) =>
            el("option", { value, selected: value === filters[name] }, label),
          ),
        ),
      ),
    ),
  );
  return [
    "Orders",
    heading("Orders"),
    form,
    pages(found, "orders", ordersTable, next, "No order matches."),
  ];
}

async function find(text) {
  searchField.value = text;
  for (const by of ["id", "ref", "tracking", ...(text.includes("@") ? ["email"] : [])]) {
    const next = (cursor) => query("/orders", { [by]: text, cursor });
    const found = await seek(await ask(next()), "orders", next);
    if (found.orders.length === 1 && !found.cursor) {
      history.replaceState(null, "", place("orders", found.orders[0].id));
      return order(found.orders[0].id);
    }
    if (found.orders.length || found.cursor)
      return ["Found", heading("Found: ", data(short(text))), pages(found, "orders", ordersTable, next, "No order matches.")];
  }
  return [
    "Nothing found",
    heading("Nothing found"),
    el(
      "p",
      {},
      "No order has the id, reference, tracking number or e-mail address ",
      el("bdi", {}, `“${short(text)}”`),
      ". It must match exactly.",
    ),
  ];
}

const orderNamed = ({ id, ref }) => [
  inside("orders", id),
  ref ? el("div", { class: "quiet-text" }, el("span", { class: piece(ref) }, data(ref, 60))) : null,
];

const ordersTable = (rows) =>
  table(
    "Orders",
    [
      ["Order", orderNamed],
      ["Status", (each) => [badge(each.status), each.on_hold ? [" ", warn("on hold")] : null]],
      [
        "Attention",
        (each) =>
          each.attention.length
            ? each.attention.map((why) => el("div", { class: "reason", title: REASONS[why] }, words(why)))
            : "–",
      ],
      ["Printers", (each) => each.providers.map(named).join(", ") || "–"],
      ["Created", (each) => time(each.created_at)],
      ["Last message", (each) => time(each.updated_at, ago)],
    ],
    rows,
  );

// A page may be empty before the end of the list: then the next ones are requested, up to MOST_EMPTY.
async function seek(page, key, next) {
  let found = page;
  for (let n = 0; n < MOST_EMPTY && found.cursor && !found[key].length; n++) found = await ask(next(found.cursor));
  return found;
}

// A list with a button for its next page.
function pages(page, key, showing, next, nothing) {
  const block = el("div", {});
  const add = (found) => {
    if (found[key].length) block.append(showing(found[key]));
    if (found.cursor) block.append(...more(found.cursor));
    else if (!block.childElementCount) block.append(none(nothing));
  };
  const more = (cursor) => {
    const control = button(
      "More",
      async () => {
        if (control.getAttribute("aria-disabled")) return;
        control.setAttribute("aria-disabled", "true");
        problem.textContent = "";
        try {
          const found = await seek(await ask(next(cursor)), key, next);
          rest.forEach((each) => each.remove());
          const before = block.childElementCount;
          add(found);
          announce(`${found[key].length} more`);
          (block.children[before]?.querySelector("a[href]") ?? block.querySelector("button.more"))?.focus();
        } catch (error) {
          control.removeAttribute("aria-disabled");
          if (error instanceof Problem) problem.textContent = error.message;
        }
      },
      { class: "more" },
    );
    const problem = el("p", { class: "problem", role: "alert" });
    const yet = block.childElementCount ? null : none("None of the newest match. There are older ones.");
    const rest = [yet, control, problem].filter(Boolean);
    return rest;
  };
  add(page);
  return block;
}

// --- one order ---

// Other records of an order, each with buttons that link it or part it, after a question. Then the order is shown again.
function others(known, records, actions) {
  if (!records.length) return null;
  const one = (record) => {
    const status = el("span", { role: "status", class: "status" });
    const act = async (action) => {
      try {
        await ask(at("orders", known.id, `/${action}`), { method: "POST", body: JSON.stringify({ record }) });
        await render(() => order(known.id), { again: true });
      } catch (error) {
        if (error instanceof Problem) status.replaceChildren(data(error.message, 400));
      }
    };
    const controls = Object.entries(actions).map(([label, [action, text]]) => [
      " ",
      asking(label, text(record), () => act(action), { "aria-label": `${label}: ${short(record, 40)}` }),
    ]);
    return el("div", {}, inside("orders", record), controls, " ", status);
  };
  return records.map(one);
}

const LINK = (record) =>
  `What a printer reported on ${short(record, 40)}, and will report, then counts in this order, and the shop is notified of what is new.`;
const UNLINK = (record) =>
  `The printer's reports then count in ${short(record, 40)} again, and no more in this order. Notifications that the shop has received stay.`;
const DISTINCT = (record) => `Then Pressroom no longer names ${short(record, 40)} as perhaps the same order.`;

async function order(id) {
  const [known, { history: steps }] = await Promise.all([ask(at("orders", id)), ask(at("orders", id, "/history"))]);
  const printer = (each) => (each.destination ? named(each.destination) : warn("nobody"));
  return [
    `Order ${short(known.id)}`,
    el(
      "div",
      { class: "head" },
      heading("Order ", el("bdi", {}, short(known.id, 100))),
      badge(known.status),
      known.on_hold ? warn("on hold") : null,
    ),
    listed([
      ["Reference", known.ref && data(known.ref)],
      ["Created", time(known.created_at)],
      ["Last message", time(known.updated_at, ago)],
      [
        "Orders at printers",
        known.provider_orders.length
          ? known.provider_orders.map((each) =>
              el(
                "div",
                {},
                named(each.provider),
                " ",
                data(each.id, 60),
                each.status ? [": ", data(each.status, 60)] : null,
              ),
            )
          : null,
      ],
      [
        "Refunded",
        known.refunds.length
          ? known.refunds.map((each) =>
              el(
                "div",
                {},
                each.amount ? money(each.amount, each.currency) : "an amount",
                " by ",
                named(each.provider),
                ", ",
                time(each.at),
              ),
            )
          : null,
      ],
      ["Erased", known.erased_at && time(known.erased_at)],
      ["Recipient", recipient(known.id)],
      ["Linked to the order", known.linked_to && inside("orders", known.linked_to)],
      ["Linked records", others(known, known.linked, { Unlink: ["unlink", UNLINK] })],
      [
        "May be the same order",
        others(known, known.maybe_same, { ...(known.currency && { Link: ["link", LINK] }), "Not the same": ["unlink", DISTINCT] }),
      ],
    ]),
    known.attention.length
      ? el(
          "section",
          { class: "notice" },
          el("h2", {}, "Needs attention"),
          el(
            "ul",
            {},
            known.attention.map((why) =>
              el(
                "li",
                {},
                el("strong", {}, words(why)),
                ": ",
                REASONS[why] ?? "Reload the page for an explanation.",
                concerned(known, why).map((item) => [" ", data(item, 80)]),
              ),
            ),
          ),
        )
      : null,
    section("Timeline", picture({ ...known, steps }), messages(known)),
    section(
      "Lines",
      known.lines.length
        ? table(
            "Lines",
            [
              ["Line", titled],
              ["SKU", (each) => data(each.sku, 80)],
              ["Pieces", (each) => pieces(each)],
              ["Printed by", printer],
              [
                "Status",
                (each) => [
                  badge(each.status),
                  each.error
                    ? el(
                        "div",
                        { class: "reason" },
                        data(each.error.cause ?? "an error in production", 120),
                        each.error.delay_hours
                          ? [", ", data(each.error.delay_hours, 20), each.error.delay_hours === "1" ? " hour late" : " hours late"]
                          : null,
                      )
                    : null,
                  each.unusable ? el("div", { class: "reason" }, "can’t be used: ", data(each.unusable, 120)) : null,
                ],
              ],
              ["Price", (each) => money(each.price, known.currency)],
              [
                "Print file",
                (each) =>
                  each.print_file
                    ? each.print_file.url
                      ? outside(each.print_file.url, each.print_file.status)
                      : data(each.print_file.status, 60)
                    : "–",
              ],
            ],
            known.lines,
          )
        : none("No lines yet."),
    ),
    section(
      "Parcels",
      known.shipments.length
        ? table(
            "Parcels",
            [
              [
                "Parcel",
                (each) => [
                  data(each.id, 40),
                  each.reshipment ? [" ", el("span", { class: "badge" }, "reshipment")] : null,
                  each.returned ? [" ", warn("returned")] : null,
                  each.notify_customer === false ? [" ", el("span", { class: "badge" }, "don’t notify customer")] : null,
                  each.notify_customer ? [" ", el("span", { class: "badge" }, "notify customer")] : null,
                ],
              ],
              ["From", (each) => named(each.provider)],
              ["Tracking", (each) => tracking(each)],
              [
                "Contents",
                (each) =>
                  each.lines.length
                    ? each.lines.map((part) =>
                        el("div", {}, `${number.format(part.quantity)} × `, data(nameOf(known, part), 60)),
                      )
                    : "–",
              ],
              [
                "Shipped",
                (each) => [
                  time(each.shipped_at),
                  each.ship_date ? el("div", { class: "quiet-text" }, "ship date ", data(each.ship_date, 40)) : null,
                ],
              ],
            ],
            known.shipments,
          )
        : none("No parcels yet."),
    ),
    known.provider_orders.map(atPrinter),
    known.deliveries.some((each) => each.destination === OMS) ? section("At the OMS", atOms(known.id)) : null,
    known.holds.length
      ? section(
          "Holds",
          table(
            "Holds",
            [
              ["By", (each) => named(each.provider)],
              ["Since", (each) => time(each.since)],
              ["Until", (each) => (each.until ? time(each.until) : warn("still on hold"))],
              ["Reason", (each) => [each.reason ? data(each.reason, 200) : "–", each.approval_files.map(designs)]],
            ],
            known.holds,
          ),
        )
      : null,
    section(
      "Deliveries",
      known.deliveries.length
        ? deliveriesTable(known.deliveries, { ofOrder: true, after: () => render(() => order(id), { again: true }) })
        : none("No deliveries."),
    ),
  ];
}

function pieces(line) {
  const parts = [`${number.format(line.quantity)} ordered`];
  if (line.shipped_quantity) parts.push(`${number.format(line.shipped_quantity)} shipped`);
  if (line.canceled_quantity) parts.push(`${number.format(line.canceled_quantity)} canceled`);
  if (line.returned_quantity) parts.push(`${number.format(line.returned_quantity)} returned`);
  return parts.join(", ");
}

const titled = (line) =>
  line.name ? [data(line.name, 100), el("div", { class: "quiet-text" }, data(line.id, 40))] : data(line.id, 40);

const nameOf = (known, part) => known.lines.find((line) => line.id === part.line_id)?.name ?? part.sku;

// The items that a reason for attention is about, by name.
function concerned(known, why) {
  const named = (item) => item.name ?? item.sku ?? item.variant ?? item.line_id ?? item.id ?? "an item without a name";
  const about = (each) => each[ABOUT[why]].filter((item) => !("print_file" in item) || item.print_file === FILE_FAILED);
  return ABOUT[why] ? known.provider_orders.flatMap(about).map(named) : [];
}

const designs = (file) =>
  el(
    "div",
    {},
    "Designs to approve: ",
    Object.entries(file)
      .filter(([, url]) => url)
      .map(([name, url]) => [outside(url, words(name)), " "]),
  );

// What a printer reported on its order beyond its status: items, costs, and what the parcel holds for the customer.
function atPrinter(each) {
  const costs = (given) =>
    given &&
    Object.entries(given)
      .filter(([name, amount]) => name !== "currency" && amount)
      .map(([name, amount]) => el("div", {}, words(name), " ", money(amount, given.currency)));
  const texts = (given) =>
    given &&
    Object.entries(given)
      .filter(([, text]) => text)
      .map(([name, text]) => el("div", {}, words(name), ": ", name === "logo_url" ? outside(text) : data(text, 200)));
  const about = [
    ["Store", each.store && data(each.store, 60)],
    ["Charges you", costs(each.costs)],
    ["Shown to the customer", costs(each.retail_costs)],
    ["Gift message", texts(each.gift)],
    ["Packing slip", texts(each.packing_slip)],
    ["Incomplete", each.incomplete_items.length ? each.incomplete_items.map((item) => el("div", {}, incomplete(item))) : null],
  ];
  if (!each.items.length && about.every(([, value]) => !value)) return null;
  return section(
    ["Order at ", named(each.provider), " ", data(each.id, 60)],
    listed(about.map(([name, value]) => [name, value || null])),
    each.items.length
      ? table(
          "Items at the printer",
          [
            ["Item", (item) => [data(item.name ?? item.sku ?? item.id, 100), el("div", { class: "quiet-text" }, data(item.id, 40))]],
            ["Pieces", (item) => (item.quantity == null ? "–" : number.format(item.quantity))],
            ["Costs you", (item) => money(item.price, each.costs?.currency)],
            ["Retail price", (item) => money(item.retail_price, each.retail_costs?.currency)],
            ["Print file", (item) => (item.print_file === FILE_FAILED ? warn(FILE_FAILED) : item.print_file ? data(item.print_file, 40) : "–")],
          ],
          each.items,
        )
      : null,
  );
}

const incomplete = (item) => [
  item.quantity ? `${number.format(item.quantity)} × ` : null,
  data(item.name ?? item.variant ?? item.line_id ?? "an item without a name", 100),
];

function tracking(parcel) {
  const text = parcel.tracking_number ?? parcel.tracking_url;
  if (!text) return el("span", { class: "quiet-text" }, "none yet", parcel.service ? [", ", data(parcel.service, 60)] : null);
  return [
    parcel.carrier ? [data(parcel.carrier, 40), " "] : null,
    parcel.service ? [el("span", { class: "quiet-text" }, data(parcel.service, 60)), " "] : null,
    parcel.tracking_url ? outside(parcel.tracking_url, text) : data(text, 80),
  ];
}

// A link to the webhook or the delivery that a timeline entry comes from, if there is one.
function source(entry) {
  const [provider] = entry.source.split(".");
  if (provider === "deliver") {
    const [id, kind] = entry.event_id.split("/");
    return ["sent", "dead", "withdrawn"].includes(kind) ? inside("deliveries", id, "delivery") : null;
  }
  return entry.event_id.startsWith(`${provider}-`) ? inside("webhooks", entry.event_id, "webhook") : null;
}

function messages(known) {
  const entry = (each) => el("li", {}, time(each.at), " ", el("span", {}, data(each.text, 300)), " ", source(each));
  const list = el("ol", { class: "messages" });
  const details = el("details", {
    class: "as-list",
    toggle: () => list.childElementCount || list.append(...known.timeline.map(entry)),
  });
  details.append(
    el("summary", {}, `Show as a list: ${plural(known.timeline.length, "message")}`),
    list,
  );
  return details;
}

// --- the timeline as a picture: lanes over time, each mark with its message ---

const ROW = 40;
const AXIS = 40;

function picture(known) {
  if (!known.timeline.length) return none("No messages yet.");
  const isOver = FINAL.includes(known.status);
  const latest = Math.max(...[...known.timeline, ...known.steps].map((each) => Date.parse(each.at)));
  const now = isOver ? null : Date.now(); // a printer's clock may be ahead of it
  const until = Math.max(latest, now ?? latest);
  const lanes = lanesOf(known, until);
  const isNarrow = matchMedia("(max-width: 46rem)").matches;
  const wide = Math.max(230, view.clientWidth - (isNarrow ? 134 : 230)); // but for the labels
  const scale = axis(
    [...lanes.flatMap((lane) => lane.marks.flatMap((mark) => [mark.at, mark.until ?? mark.at])), until, now ?? until],
    wide,
  );
  const height = AXIS + lanes.length * ROW + 6;
  const readout = el(
    "p",
    { class: "readout" },
    "Point at a mark, or select it with the arrow keys, to read its message.",
  );
  const rows = lanes.map((lane, row) => lane.marks.map((mark) => shape(mark, AXIS + row * ROW, scale, lane)));
  const all = rows.flat();
  const select = (mark) => {
    for (const other of all) other.node.classList.toggle("selected", other === mark);
    readout.replaceChildren(
      el("strong", {}, mark.when),
      " ",
      data(mark.text, 300),
      " ",
      mark.entry ? (source(mark.entry) ?? "") : "",
    );
  };
  const reach = (mark) => {
    for (const other of all) other.node.setAttribute("tabindex", other === mark ? "0" : "-1");
    mark.node.focus();
  };
  for (const mark of all) {
    mark.node.addEventListener("focus", () => select(mark));
    mark.node.addEventListener("pointerenter", () => select(mark));
    mark.node.addEventListener("click", () => select(mark));
  }
  all[0]?.node.setAttribute("tabindex", "0");
  const keys = (event) => {
    const row = rows.findIndex((marks) => marks.some(({ node }) => node === document.activeElement));
    if (row < 0) return;
    const here = rows[row].findIndex(({ node }) => node === document.activeElement);
    const nearest = (marks) =>
      marks.toSorted((a, b) => Math.abs(a.x - rows[row][here].x) - Math.abs(b.x - rows[row][here].x))[0];
    const to = {
      ArrowRight: () => rows[row][here + 1],
      ArrowLeft: () => rows[row][here - 1],
      ArrowDown: () => nearest(rows.slice(row + 1).find((marks) => marks.length) ?? []),
      ArrowUp: () => nearest(rows.slice(0, row).findLast((marks) => marks.length) ?? []),
      Home: () => rows[row][0],
      End: () => rows[row].at(-1),
    }[event.key];
    if (!to) return;
    event.preventDefault();
    const mark = to();
    if (mark) reach(mark);
  };
  const stripes = lanes.map((_, row) =>
    draw("rect", { x: 0, y: AXIS + row * ROW, width: "100%", height: ROW, class: row % 2 ? "stripe" : "stripe odd" }),
  );
  const drawn = draw(
    "svg",
    {
      width: scale.width,
      height,
      role: "group",
      "aria-label": "Timeline. The list below has the same messages.",
      keydown: keys,
    },
    draw(
      "defs",
      {},
      draw(
        "pattern",
        { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        draw("rect", { width: 6, height: 6, class: "hold-under" }),
        draw("rect", { width: 2.5, height: 6, class: "hold-over" }),
      ),
    ),
    draw("g", { "aria-hidden": "true" }, stripes, ticks(scale, height, now)),
    rows.map((marks) => marks.map(({ node }) => node)),
  );
  const label = (lane) =>
    el(
      "div",
      { class: "lane" },
      el("span", {}, el("bdi", {}, lane.parcel ? `Parcel ${ending(lane.parcel, isNarrow ? 5 : 13)}` : short(lane.name, 40))),
      el("small", {}, el("bdi", {}, short(lane.about, 60))),
    );
  const left = lanesLeft(known);
  const how = { role: "region", "aria-label": "Timeline as a picture", tabindex: "0" };
  const scroll = el("div", { class: "scroll", ...how }, drawn);
  requestAnimationFrame(() => (scroll.scrollLeft = scroll.scrollWidth)); // once it is shown: at its newest end
  return el(
    "div",
    {},
    el(
      "div",
      { class: "picture" },
      el("div", { class: "lanes", "aria-hidden": "true" }, el("div", { class: "corner" }), lanes.map(label)),
      scroll,
    ),
    readout,
    el(
      "p",
      { class: "legend" },
      el("span", {}, el("i", { class: "key dot" }), " received"),
      el("span", {}, el("i", { class: "key ring" }), " sent"),
      el("span", {}, el("i", { class: "key cross" }), " not sent"),
      el("span", {}, el("i", { class: "key hatched" }), " on hold"),
      lanes.some((lane) => lane.marks.some((mark) => mark.kind === "noticed")) &&
        el("span", {}, el("i", { class: "key noticed" }), " delay found by Pressroom"),
      scale.shortened ? el("span", {}, "Long waits are drawn shorter, with their length.") : null,
      left ? el("span", {}, left) : null,
    ),
  );
}

function lanesLeft(known) {
  const lines = known.lines.length - MOST_LANES;
  const parcels = known.shipments.length - MOST_LANES;
  const entries = known.timeline.length - MOST_MARKS;
  return [
    lines > 0 ? `${plural(lines, "further line")} not drawn.` : "",
    parcels > 0 ? `${plural(parcels, "further parcel")} not drawn.` : "",
    entries > 0 ? `The ${plural(entries, "oldest message")} not drawn.` : "",
  ]
    .join(" ")
    .trim();
}

function lanesOf(known, until) {
  const spans = (what, provider, id, ended) => {
    const own = known.steps.filter((step) => step.what === what && step.provider === provider && step.id === id);
    return own.map((step, n) => {
      const end = own[n + 1] ? Date.parse(own[n + 1].at) : ended.includes(step.status) ? Date.parse(step.at) : until;
      return {
        kind: "stage",
        at: Date.parse(step.at),
        until: end,
        status: step.status,
        ended: ended.includes(step.status),
        text: words(step.status),
      };
    });
  };
  const lines = known.lines.slice(0, MOST_LANES).map((line) => ({
    name: `Line ${line.id}`,
    about: line.name ?? line.sku,
    marks: spans("line", "", line.id, FINAL),
  }));
  const providers = new Map();
  for (const entry of known.timeline.slice(-MOST_MARKS)) {
    const [from, to] = entry.source.split(".");
    const who = from === "deliver" ? to : from;
    const ending = entry.event_id.split("/")[1];
    const sent = ending === "dead" || ending === "withdrawn" ? "cross" : "ring";
    const kind = { deliver: sent, monitor: "noticed" }[from] ?? "dot";
    if (!providers.has(who)) providers.set(who, []);
    providers.get(who).push({ kind, at: Date.parse(entry.at), text: entry.text, entry });
  }
  for (const hold of known.holds) {
    const end = hold.until ? Date.parse(hold.until) : until;
    const text = `on hold${hold.until ? "" : " still"}${hold.approval_needed ? ", waits for your approval" : ""}${hold.reason ? `: ${hold.reason}` : ""}`;
    if (!providers.has(hold.provider)) providers.set(hold.provider, []);
    providers
      .get(hold.provider)
      .unshift({ kind: "hold", at: Date.parse(hold.since), until: end, open: !hold.until, text });
  }
  const places = Object.keys(NAMES);
  const talks = [...providers]
    .sort(([one], [other]) => places.indexOf(one) - places.indexOf(other))
    .map(([who, marks]) => {
      const held = marks.some((mark) => mark.open);
      const count = marks.filter((mark) => mark.kind !== "hold").length;
      return {
        name: named(who),
        about: held ? "on hold" : who === "monitor" ? `${plural(count, "delay")} found` : plural(count, "message"),
        marks: marks.toSorted((a, b) => a.at - b.at),
      };
    });
  const parcels = known.shipments.slice(0, MOST_LANES).map((parcel) => ({
    name: `Parcel ${parcel.tracking_number ?? parcel.id}`,
    parcel: parcel.tracking_number ?? parcel.id,
    about: `${named(parcel.provider)}, ${plural(
      parcel.lines.reduce((sum, part) => sum + part.quantity, 0),
      "piece",
    )}`,
    marks: spans("parcel", parcel.provider, parcel.id, FINAL),
  }));
  return [
    { name: "Order", about: words(known.status), marks: spans("order", "", known.id, FINAL) },
    ...lines,
    ...talks,
    ...parcels,
  ];
}

// Time runs from left to right, but not to scale: long waits are drawn shorter, or they would hide the minutes.
function axis(instants, wide) {
  const known = [...new Set(instants.filter(Number.isFinite))].sort((a, b) => a - b);
  const room = (gap) => 1 + 1.3 * Math.log2(1 + gap / 60_000);
  const gaps = known.slice(1).map((each, n) => each - known[n]);
  const sum = gaps.reduce((total, gap) => total + room(gap), 0);
  const pad = 14;
  const tail = 74; // for the word of a last stage
  const unit = sum ? Math.min(60, Math.max(5.5, (wide - pad - tail) / sum)) : 0;
  const places = new Map();
  let x = pad;
  known.forEach((each, n) => {
    if (n) x += room(gaps[n - 1]) * unit;
    places.set(each, x);
  });
  const waits = gaps
    .map((gap, n) => ({ gap, from: places.get(known[n]), to: places.get(known[n + 1]) }))
    .filter(({ gap }) => gap >= 6 * 3_600_000);
  return {
    known,
    x: (instant) => places.get(instant),
    width: Math.max(wide, x + tail),
    opens: Math.max(0, x + tail - wide), // the left edge of what is visible before scrolling
    waits,
    shortened: waits.length > 0,
  };
}

function ticks({ known, x, waits }, height, now) {
  const made = [];
  let free = 0; // the end of the previous text
  let day = "";
  if (now)
    made.push(
      draw("line", { x1: x(now), x2: x(now), y1: 18, y2: height, class: "tick now" }),
      draw("text", { x: x(now), y: 12, class: "tick-text", "text-anchor": "middle" }, "now"),
    );
  for (const instant of known) {
    const left = x(instant);
    const date = new Date(instant);
    const today = date.toDateString();
    const text = today === day ? hourly.format(date) : roughly.format(date);
    const room = text.length * 6.5;
    const begins = left < 40 ? left - 8 : left - room / 2;
    if (begins < free || (now && begins < x(now) + 20 && begins + room > x(now) - 20)) continue;
    day = today;
    made.push(
      draw("line", { x1: left, x2: left, y1: 18, y2: height, class: "tick" }),
      draw(
        "text",
        { x: left, y: 12, class: "tick-text", "text-anchor": left < 40 ? "start" : "middle", dx: left < 40 ? -8 : 0 },
        text,
      ),
    );
    free = begins + Math.max(room, 78) + 14;
  }
  for (const { gap, from, to } of waits) {
    const text = lasting(gap);
    if (to - from < text.length * 6 + 12) continue;
    made.push(
      draw("line", { x1: from + 4, x2: to - 4, y1: 34, y2: 34, class: "wait" }),
      draw("text", { x: (from + to) / 2, y: 29, class: "wait-text", "text-anchor": "middle" }, text),
    );
  }
  return made;
}

// The first place in a bar where a word fits without a dot on it, if there is one.
function roomFor(wide, from, to, dots) {
  const stops = [from, ...dots.filter((x) => x > from && x < to).sort((a, b) => a - b), to];
  const before = stops.findIndex((x, n) => stops[n + 1] - x >= wide + 16); // a dot's half, and a little, on each side
  return before < 0 ? null : stops[before] + 8;
}

function shape(mark, top, scale, lane) {
  const x = scale.x(mark.at);
  const middle = top + ROW / 2;
  const reach = (until) => (until === scale.known.at(-1) ? scale.width - 8 : scale.x(until)); // a stage that lasts extends to the edge
  const shown = new Date(mark.at);
  const end =
    mark.until == null || mark.ended ? "" : mark.until === mark.at ? "" : ` to ${roughly.format(new Date(mark.until))}`;
  const when = `${roughly.format(shown)}${end}`;
  const parts = [];
  if (mark.kind === "stage") {
    const right = mark.ended ? scale.width - 8 : Math.max(x + 3, reach(mark.until));
    const word = mark.text;
    const long = word.length * 6.9 + 10;
    const wide = right - x;
    const colour = `on-${styled(mark.status)}`;
    const begins = Math.max(x, scale.opens); // within what is visible at first
    parts.push(
      draw("rect", {
        x,
        y: top + 9,
        width: wide,
        height: 22,
        rx: 3,
        class: `stage f-${styled(mark.status)}`,
      }),
    );
    const isSeen = right - begins > long;
    const places = [isSeen && begins, (!isSeen || begins - x > long) && wide > long && x];
    for (const left of places.filter((each) => each !== false))
      parts.push(draw("text", { x: left + 6, y: middle + 4, class: colour }, word));
  } else if (mark.kind === "hold") {
    const right = Math.max(x + 4, mark.open ? reach(mark.until) : scale.x(mark.until));
    parts.push(draw("rect", { x, y: top + 7, width: right - x, height: 26, rx: 3, class: "hold" }));
    const dots = lane.marks.filter((other) => other.kind !== "hold").map((other) => scale.x(other.at));
    const left = roomFor(48, Math.max(x, scale.opens), right, dots) ?? roomFor(48, x, right, dots);
    if (left != null)
      parts.push(
        draw("rect", { x: left, y: middle - 8, width: 48, height: 16, rx: 3, class: "hold-plate" }),
        draw("text", { x: left + 4, y: middle + 4, class: "hold-text" }, "on hold"),
      );
  } else if (mark.kind === "cross") {
    parts.push(
      draw("circle", { cx: x, cy: middle, r: 10, class: "touch" }),
      draw("path", { d: `M${x - 5} ${middle - 5}l10 10m0-10l-10 10`, class: "cross" }),
    );
  } else if (mark.kind === "noticed") {
    parts.push(
      draw("circle", { cx: x, cy: middle, r: 10, class: "touch" }),
      draw("path", { d: `M${x} ${middle - 6}l6 6l-6 6l-6-6z`, class: "noticed" }),
    );
  } else {
    parts.push(
      draw("circle", { cx: x, cy: middle, r: 10, class: "touch" }),
      draw("circle", { cx: x, cy: middle, r: 5, class: mark.kind }),
    );
  }
  const node = draw(
    "g",
    {
      class: "mark",
      role: "img",
      tabindex: "-1",
      "aria-label": clean(`${short(lane.name, 40)}: ${when}: ${short(mark.text, 300)}`),
    },
    parts,
  );
  return { node, x, when, text: mark.entry ? mark.text : `${lane.name}: ${mark.text}`, entry: mark.entry };
}

// --- the inbox: everything that needs attention ---

async function inbox() {
  const lists = [
    "/deliveries?status=dead&limit=25",
    "/events?state=failed&limit=25",
    "/events?state=unhandled&limit=25",
    "/orders?attention=any&limit=25",
  ];
  const [health, dead, failed, unhandled, flagged] = await Promise.all([
    ask("/conditions"),
    ...lists.map((path) => ask(path)),
  ]);
  const next = (n) => (cursor) => `${lists[n]}&cursor=${encodeURIComponent(cursor)}`;
  return [
    "Inbox",
    el(
      "div",
      { class: "head" },
      heading("Inbox"),
      el("p", { class: "quiet-text" }, "everything that needs attention"),
      button("Refresh", () => route()),
    ),
    conditions(health),
    section(
      "Dead deliveries",
      pages(
        dead,
        "deliveries",
        (rows) => deliveriesTable(rows),
        next(0),
        "No dead deliveries.",
      ),
    ),
    section(
      "Failed webhooks",
      pages(failed, "events", eventsTable, next(1), "No failed webhooks."),
    ),
    section(
      "Unhandled webhooks",
      pages(unhandled, "events", eventsTable, next(2), "No unhandled webhooks."),
    ),
    section("Orders", pages(flagged, "orders", attentionTable, next(3), "No order needs attention.")),
  ];
}

const attentionTable = (rows) =>
  table(
    "Orders that need attention",
    [
      ["Order", orderNamed],
      [
        "Why",
        (each) =>
          each.attention.map((why) =>
            el("div", {}, el("strong", {}, words(why)), ": ", REASONS[why] ?? "Reload the page for an explanation."),
          ),
      ],
      ["Status", (each) => [badge(each.status), each.on_hold ? [" ", warn("on hold")] : null]],
      ["Last message", (each) => time(each.updated_at, ago)],
    ],
    rows,
  );

const deliveriesTable = (rows, { ofOrder = false, after } = {}) =>
  table(
    "Deliveries",
    [
      ["To", (each) => named(each.destination)],
      ["What", (each) => inside("deliveries", each.id, each.operation)],
      ...(ofOrder
        ? []
        : [
            ["Order", (each) => (each.order_id ? inside("orders", each.order_id) : "–")],
            ["Created", (each) => time(each.created_at)],
          ]),
      ["Attempts", (each) => number.format(each.attempts)],
      ["Result", (each) => replayable("deliveries", each, after)],
    ],
    rows,
  );

const eventsTable = (rows) =>
  table(
    "Webhooks",
    [
      ["From", (each) => named(each.provider)],
      ["Topic", (each) => inside("webhooks", each.id, each.topic)],
      ["Received", (each) => time(each.received_at)],
      ["Result", (each) => replayable("events", each)],
    ],
    rows,
  );

// --- products and stock at Printful ---

async function products() {
  const lists = ["/products?deleted=false&limit=25", "/stock?unavailable=true&limit=25"];
  const [known, stock] = await Promise.all(lists.map((path) => ask(path)));
  const next = (n) => (cursor) => `${lists[n]}&cursor=${encodeURIComponent(cursor)}`;
  return [
    "Products",
    heading("Products at Printful"),
    section("Can't be ordered", pages(stock, "stock", stockTable, next(1), "All variants can be ordered, as far as Printful has reported.")),
    section("Products of the shop", pages(known, "products", productsTable, next(0), "There are no products, as far as Printful has reported.")),
  ];
}

const numbers = (ids) => (ids.length ? data(ids.join(", "), 100) : "–");

const stockTable = (rows) =>
  table(
    "Variants that can't be ordered",
    [
      ["Catalogue product", (each) => data(each.product_id, 60)],
      ["Out of stock", (each) => numbers(each.out)],
      ["Discontinued", (each) => numbers(each.discontinued)],
      ["Changed", (each) => time(each.updated_at)],
    ],
    rows,
  );

const productsTable = (rows) =>
  table(
    "Products",
    [
      ["Product", (each) => [data(each.name ?? each.id, 100), el("div", { class: "quiet-text" }, data(each.id, 60))]],
      ["Shop's id", (each) => (each.external_id ? data(each.external_id, 60) : "–")],
      ["Variants synced", (each) => (each.variants == null ? "–" : `${each.synced ?? "?"} of ${each.variants}`)],
      ["Changed", (each) => time(each.updated_at)],
    ],
    rows,
  );

// --- replaying ---

const isWithdrawn = (each) => each.state === "withdrawn" || (each.last_error ?? "").startsWith("withdrawn");
const stateOf = (each) => each.state ?? (isWithdrawn(each) ? "withdrawn" : each.status);

function outcome(each) {
  const state = stateOf(each);
  const why = each.last_error ?? each.error;
  if (STUCK.includes(state)) return [warn(state), why ? [" ", data(why, 160)] : null];
  if (state === "withdrawn")
    return ["withdrawn", why ? el("div", { class: "quiet-text" }, data(why, 160)) : null];
  if (state === "delivered" || state === "processed") return el("span", { class: "badge good" }, state);
  return [el("span", { class: "badge" }, state === "pending" ? "waiting" : state), why ? [" ", data(why, 160)] : null];
}

// The state, and a button that replays and then shows the result in place.
function replayable(area, each, after) {
  const result = el("div", { class: "result" }, outcome(each));
  if (!STUCK.includes(stateOf(each))) return result;
  const status = el("span", { role: "status", class: "status" });
  const control = button("Replay", () => replay(), {
    "aria-label": `Replay ${short(each.operation ?? each.topic, 40)} ${area === "events" ? "from" : "to"} ${named(each.destination ?? each.provider)}`,
  });
  const replay = async () => {
    if (control.getAttribute("aria-disabled")) return;
    control.setAttribute("aria-disabled", "true");
    status.replaceChildren("Replaying …");
    try {
      await ask(at(area, each.id, "/replay"), { method: "POST" });
      const now = await ended(area, each.id, () => status.replaceChildren("Waiting for the result …"));
      const tried = control.closest("tr")?.querySelector("[data-label=Attempts]");
      if (tried && now) tried.textContent = number.format(now.attempts);
      if (!now) status.replaceChildren("Still waiting after a minute. Pressroom continues by itself: check again later.");
      else if (STUCK.includes(stateOf(now)))
        status.replaceChildren(
          el("strong", { class: "bad" }, `${now.state} again`),
          ": ",
          data(
            now.last_error ??
              now.error ??
              (now.state === "unhandled" ? "Pressroom has no function for this topic" : "no reason was given"),
            160,
          ),
        );
      else {
        result.replaceChildren(...[outcome(now)].flat());
        const became = { withdrawn: "Withdrawn.", delivered: "Delivered.", processed: "Processed." }[
          now.state
        ];
        status.replaceChildren(el("strong", { class: "well" }, became));
        if (document.activeElement === control) view.querySelector("h1").focus({ preventScroll: true });
        control.remove();
        if (after) {
          announce(became);
          after();
        }
      }
    } catch (error) {
      if (error instanceof Problem) status.replaceChildren(data(error.message, 400));
    }
    control.removeAttribute("aria-disabled");
  };
  return [result, el("div", { class: "replay" }, control, " ", status)];
}

async function ended(area, id, waiting) {
  const deadline = Date.now() + REPLAY_MS;
  const { signal } = visit;
  for (let pause = 400; Date.now() < deadline; pause = Math.min(pause * 1.5, 4000)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    signal.throwIfAborted();
    const now = await ask(at(area, id), { signal });
    if (now.state !== "pending" && now.state !== "received") return now;
    waiting();
  }
  return null;
}

// --- one webhook, one delivery ---

async function webhook(id) {
  const known = await ask(at("events", id));
  const body = known.body ?? known.body_base64;
  return [
    "Webhook",
    heading("Webhook"),
    listed([
      ["From", named(known.provider)],
      ["Topic", data(known.topic, 100)],
      ["Received", time(known.received_at)],
      ["Order", known.order_id && inside("orders", known.order_id)],
      ["Result", replayable("events", known, () => render(() => webhook(id), { again: true }))],
      ["Replays", number.format(known.replays)],
      ["Id", data(known.id, 100)],
    ]),
    section(
      known.body == null && body ? "Body, in base64" : "Body",
      known.body_erased
        ? none("The body was erased.")
        : el("pre", { tabindex: "0", role: "region", "aria-label": "Body" }, clean(body)),
    ),
  ];
}

async function delivery(id) {
  const known = await ask(at("deliveries", id));
  return [
    "Delivery",
    heading("Delivery"),
    listed([
      ["To", named(known.destination)],
      ["What", data(known.operation, 100)],
      ["Order", known.order_id && inside("orders", known.order_id)],
      ["Created", time(known.created_at)],
      ["Result", replayable("deliveries", known, () => render(() => delivery(id), { again: true }))],
      ["Replays", number.format(known.replays)],
      ["Id", data(known.id, 100)],
    ]),
    section(
      `${plural(known.attempts, "attempt")}`,
      known.history.length
        ? table(
            "Attempts",
            [
              ["At", (each) => time(each.at, (date) => exactly.format(date))],
              ["Answer", (each) => (each.status == null ? "none" : `HTTP ${each.status}`)],
              ["Error", (each) => (each.error ? data(each.error, 160) : "–")],
            ],
            known.history,
          )
        : none("No attempts yet."),
    ),
  ];
}

// --- the header and the keyboard ---

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});
document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = searchField.value.trim();
  if (!text) return;
  email = text.includes("@") ? text : null;
  const to = query("#/orders", email ? { email: "entered" } : { q: text });
  if (location.hash === to) route();
  else location.hash = to;
});
document.getElementById("out").addEventListener("click", () => leave("You are signed out."));
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && token) {
    event.preventDefault();
    searchField.focus();
    searchField.select();
  } else if (event.key === "Escape" && event.target === searchField) {
    searchField.value = "";
    view.querySelector("h1")?.focus();
  } else if (event.key === "Escape") {
    const open = event.target.closest?.("details[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
});
window.addEventListener("hashchange", route);
route();
