// Work that is not saved yet: kept in this browser, offered again when the page is opened, and guarded when it is left.

const PAUSE = 500;
const OWN = new Set(["csrfmiddlewaretoken", "version", "seen", "base", "overwrite"]);
const MOST_DAYS = 14;

export function startDrafts(stageForm, editor) {
  const key = stageForm.dataset.draftKey && `waybill:stage:${stageForm.dataset.draftKey}`;
  const status = document.getElementById("draft-status");
  if (!key || editor.readOnly) return;
  const before = content(stageForm);
  const conflict = startConflict(stageForm, editor);
  const refused = stageForm.dataset.refused === "yes";
  let leaving = false;
  let waiting = null;

  const dirty = () => refused || conflict || content(stageForm) !== before;
  const keep = () => {
    if (!dirty()) {
      localStorage.removeItem(key);
      tell("");
      return;
    }
    const fields = ["seen", "base", "version"].map((name) => [name, stageForm.querySelector(`[name=${name}]`).value]);
    try {
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), content: content(stageForm), ...Object.fromEntries(fields) }));
      tell("Not saved yet; kept in this browser.");
    } catch {
      tell("Not saved yet, and this browser keeps nothing for you.");
    }
  };

  function tell(text) {
    if (status && status.textContent !== text) status.textContent = text;
  }

  stageForm.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(keep, PAUSE);
  });
  stageForm.addEventListener("submit", () => {
    keep();
    leaving = true;
    sessionStorage.setItem(`${key}:sent`, stageForm.querySelector("[name=seen]").value || "new");
  });
  window.addEventListener("beforeunload", (event) => {
    if (leaving || !dirty()) return;
    keep();
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leave]")) leaving = true;
  });
  window.addEventListener("pageshow", (event) => event.persisted && (leaving = false));

  const sent = sessionStorage.getItem(`${key}:sent`);
  sessionStorage.removeItem(`${key}:sent`);
  if (!conflict && !refused) offer(key, stageForm, editor, before, sent);
  else keep();
}

/** What somebody would lose, as one text to compare: every field that a person fills in. */
function content(stageForm) {
  const pairs = [...new FormData(stageForm).entries()].filter(([name]) => !OWN.has(name));
  return JSON.stringify(pairs.map(([name, value]) => [name, String(value).replaceAll("\r\n", "\n")]));
}

function offer(key, stageForm, editor, now, sent) {
  const note = document.getElementById("draft-offer");
  const stored = read(key);
  if (!stored || !note) return;
  const seen = stageForm.querySelector("[name=seen]").value;
  const saved = sent !== null && (sent === "new" || sent !== seen);
  if (saved || stored.content === now || Date.now() - stored.at > MOST_DAYS * 86400000) {
    localStorage.removeItem(key);
    return;
  }
  const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(stored.at));
  const later = stored.seen && stored.seen !== seen ? " The stage was saved since; when you save, you will see both." : "";
  note.querySelector("span").textContent = `You did not save what you typed here on ${when}.${later}`;
  note.hidden = false;
  const [restore, discard] = note.querySelectorAll("button");
  restore.addEventListener("click", () => {
    fill(stageForm, editor, JSON.parse(stored.content));
    for (const name of ["seen", "base", "version"]) stageForm.querySelector(`[name=${name}]`).value = stored[name];
    note.hidden = true;
    editor.view.focus();
  });
  discard.addEventListener("click", () => {
    localStorage.removeItem(key);
    note.hidden = true;
  });
}

function read(key) {
  try {
    const stored = JSON.parse(localStorage.getItem(key) || "null");
    return stored && typeof stored.content === "string" && typeof stored.at === "number" ? stored : null;
  } catch {
    return null;
  }
}

function fill(stageForm, editor, pairs) {
  for (const field of stageForm.elements) {
    if (!field.name || OWN.has(field.name) || field.type === "hidden") continue;
    const values = pairs.filter(([name]) => name === field.name).map(([, value]) => value);
    if (field === editor.textarea) editor.set(values[0] ?? "");
    else if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (values.length) field.value = values[0];
  }
  stageForm.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Where somebody else saved first: their text, yours, and both together. */
function startConflict(stageForm, editor) {
  const card = document.getElementById("conflict");
  if (!card) return false;
  const texts = JSON.parse(document.getElementById("conflict-texts").textContent);
  card.querySelector("[data-merge]").addEventListener("click", () => {
    editor.set(texts.merged);
    stageForm.querySelector("[name=seen]").value = card.dataset.overwrite;
    stageForm.querySelector("[name=base]").value = texts.theirs;
    card.querySelector("[data-merged]").hidden = false;
    editor.view.focus();
  });
  return true;
}
