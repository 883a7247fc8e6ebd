// What makes the console livelier. Every page works without it; nothing here decides anything.

/** @template {Element} T @param {ParentNode} root @param {string} selector @returns {T[]} */
const all = (root, selector) => /** @type {T[]} */ ([...root.querySelectorAll(selector)]);

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/** 30 Nov 02:28 @param {Date} at */
const short = (at) => `${at.getDate()} ${MONTHS[at.getMonth()]} ${two(at.getHours())}:${two(at.getMinutes())}`;

/** All times of a page in the reader's own zone: tables, charts and their words. UTC stays on hover. @param {ParentNode} root */
function localTimes(root) {
  for (const time of all(root, "time[datetime]")) {
    const at = new Date(time.getAttribute("datetime") ?? "");
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    if (!Number.isNaN(at.getTime())) time.textContent = `${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()} ${clock}`;
  }
  for (const text of all(root, "[data-time]")) {
    const at = new Date(Number(text.getAttribute("data-time")) * 60_000);
    const words = text.textContent ?? "";
    const rest = words.indexOf(": ");
    if (!Number.isNaN(at.getTime())) text.textContent = short(at) + (rest < 0 ? "" : words.slice(rest));
  }
}

/** The zone of the page, by name and present offset. */
function zoneName() {
  const minutes = -new Date().getTimezoneOffset();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const size = Math.abs(minutes);
  const part = size % 60 ? `:${two(size % 60)}` : "";
  const offset = `UTC${minutes < 0 ? "-" : "+"}${Math.floor(size / 60)}${part}`;
  for (const name of all(document, "[data-zone]")) name.textContent = zone === "UTC" ? "UTC" : `${zone} (${offset})`;
  for (const note of all(document, "[data-utc]")) note.setAttribute("hidden", "");
}

/** A time as such an input has it. @param {Date} at @param {boolean} utc */
function inputValue(at, utc) {
  const local = new Date(at.getTime() - (utc ? 0 : at.getTimezoneOffset() * 60_000));
  return local.toISOString().slice(0, at.getUTCSeconds() ? 19 : 16);
}

/**
 * Inputs of times are in the zone of the page, and in UTC on their way. Where clocks are set back, an hour comes twice: the
 * earlier one is meant for a beginning, the later one for an end, so that nothing is hidden.
 */
function localInputs() {
  for (const input of /** @type {HTMLInputElement[]} */ (all(document, "input[type=datetime-local]"))) {
    // Not the value: after Back, the browser puts there what was shown, which is local already.
    const given = new Date(`${input.defaultValue}Z`);
    if (!Number.isNaN(given.getTime())) input.value = inputValue(given, false);
    input.form?.addEventListener("formdata", (event) => {
      const at = new Date(input.value);
      if (!input.value || Number.isNaN(at.getTime())) return;
      const again = new Date(at.getTime() + 3_600_000);
      const twice = inputValue(again, false) === inputValue(at, false);
      event.formData.set(input.name, inputValue(twice && input.name === "to" ? again : at, true));
    });
  }
}

/** Buttons that copy the text of the element they name. */
function copyButtons() {
  for (const button of /** @type {HTMLButtonElement[]} */ (all(document, "[data-copy]"))) {
    const from = document.getElementById(button.dataset.copy ?? "");
    if (!from) continue;
    const label = button.innerHTML;
    const said = document.createElement("span");
    said.className = "hide";
    said.setAttribute("role", "status");
    button.after(said);
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(from.textContent ?? "");
        button.textContent = said.textContent = "Copied";
      } catch {
        getSelection()?.selectAllChildren(from);
        said.textContent = "Selected – press Ctrl+C";
        button.textContent = "Selected";
      }
      setTimeout(() => {
        button.innerHTML = label;
        said.textContent = "";
      }, 3000);
    });
  }
}

/** A form that is on its way is not sent a second time by a double click. The server knows one by its key anyway. */
function sentOnce() {
  for (const form of /** @type {HTMLFormElement[]} */ (all(document, "form[method=post]"))) {
    let busy = false;
    form.addEventListener("submit", (event) => {
      if (busy) event.preventDefault();
      busy = true;
      // After an answer that never came it may be tried again.
      setTimeout(() => { busy = false; }, 5000);
    });
    addEventListener("pageshow", () => { busy = false; });
  }
}

/** The button of a form works when the asked-for text stands in its field. */
function typedConfirmations() {
  for (const field of /** @type {HTMLInputElement[]} */ (all(document, "[data-confirm]"))) {
    const button = field.form?.querySelector("button");
    if (!button) continue;
    const judge = () => {
      button.disabled = field.value.trim() !== field.dataset.confirm;
    };
    field.addEventListener("input", judge);
    judge();
  }
}

/** Asks, while an allowlist is written, what it would change. */
function previews() {
  for (const form of /** @type {HTMLFormElement[]} */ (all(document, "form[data-preview]"))) {
    const out = form.querySelector("[data-preview-out]");
    const field = /** @type {HTMLTextAreaElement | null} */ (form.querySelector("[name=allowlist]"));
    if (!out || !field) continue;
    let timer = 0;
    /** @type {AbortController | undefined} */
    let asking;
    const ask = async () => {
      asking?.abort();
      asking = new AbortController();
      try {
        const answer = await fetch(form.dataset.preview ?? "", {
          method: "POST",
          body: new URLSearchParams(/** @type {any} */ (new FormData(form))),
          headers: { "x-fragment": "preview" },
          signal: asking.signal,
        });
        if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
        out.innerHTML = await answer.text();
        localTimes(out);
      } catch (error) {
        if (/** @type {Error} */ (error).name !== "AbortError") {
          out.textContent = "The preview is not available now. Use the button, or save: nothing is saved while an entry is not valid.";
        }
      }
    };
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 400);
    });
  }
}

/** Rows that arrive while the page is open. The server sends them as HTML that it escaped. */
function liveRows() {
  for (const place of /** @type {HTMLElement[]} */ (all(document, "[data-live]"))) {
    const rows = place.querySelector("[data-live-rows]");
    if (!rows) continue;
    const most = Number(place.dataset.liveMax) || 50;
    const say = place.querySelector("[data-live-say]");
    const state = place.querySelector("[data-live-state]");
    const table = /** @type {HTMLElement | null} */ (place.querySelector("[data-live-table]"));
    const empty = /** @type {HTMLElement | null} */ (place.querySelector("[data-live-empty]"));
    const waiting = place.classList.contains("wait");
    let unheard = 0;
    let speaking = 0;
    /** @type {EventSource | undefined} */
    let stream;
    let heard = Date.now();
    const tell = (/** @type {string} */ text) => {
      if (state) state.textContent = `${text} ·`;
    };
    if (waiting && say) say.textContent = "Waiting. Send something with a snippet below. It appears here automatically.";

    const add = (/** @type {MessageEvent} */ event) => {
      heard = Date.now();
      const template = document.createElement("template");
      template.innerHTML = event.data;
      const row = template.content.querySelector("tr");
      if (!row) return;
      localTimes(row);
      row.classList.add("fresh");
      const first = rows.childElementCount === 0;
      rows.prepend(row);
      while (rows.childElementCount > most) rows.lastElementChild?.remove();
      if (table) table.hidden = false;
      if (empty) empty.hidden = true;
      unheard += 1;
      if (!say) return;
      if (waiting) {
        if (first) say.textContent = `First delivery received: ${row.dataset.say}`;
      } else {
        clearTimeout(speaking);
        speaking = setTimeout(() => {
          say.textContent = unheard === 1 ? `New delivery: ${row.dataset.say}` : `${unheard} new deliveries`;
          unheard = 0;
        }, 1000);
      }
    };
    const open = () => {
      stream?.close();
      heard = Date.now();
      stream = new EventSource(place.dataset.live ?? "");
      stream.addEventListener("open", () => {
        heard = Date.now();
        tell("Live");
      });
      stream.addEventListener("delivery", add);
      stream.addEventListener("beat", () => {
        heard = Date.now();
      });
      // A stream that is closed was refused: too many are open, for instance. It is tried again below.
      stream.addEventListener("error", () => {
        tell(stream?.readyState === EventSource.CLOSED ? "Paused" : "Reconnecting");
      });
    };
    open();
    // A connection that died without a word is noticed by its missing beats, one of which is due every 15 s.
    setInterval(() => {
      if (!document.hidden && Date.now() - heard > 45_000) open();
    }, 5000);
    addEventListener("pagehide", () => stream?.close());
    addEventListener("pageshow", (event) => {
      if (event.persisted) open();
    });
  }
}

/** The account menu closes by Escape and by a click elsewhere. */
function menus() {
  for (const menu of /** @type {HTMLDetailsElement[]} */ (all(document, "details.menu"))) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        menu.querySelector("summary")?.focus();
      }
    });
  }
}

/** What was done is said once: a reload, a bookmark or a shared address says it no more. */
function settleAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("done")) return;
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}

settleAddress();
localTimes(document);
zoneName();
localInputs();
copyButtons();
typedConfirmations();
sentOnce();
previews();
liveRows();
menus();
