// Two people at one stage are told of each other, and of a save that happened since the page was read.

import { post, token } from "./posting.js";

const EVERY = 15000;

export function startPresence(stageForm) {
  const note = document.getElementById("presence");
  if (!note || !note.dataset.url) return;
  const name = crypto.getRandomValues(new Uint32Array(3)).join("-").slice(0, 40);
  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short", timeZone: zone() });

  const call = async () => {
    const body = new FormData();
    body.set("window", name);
    body.set("seen", stageForm.querySelector("[name=seen]").value);
    try {
      const { reply, json } = await post(note.dataset.url, body);
      if (reply.ok) show(json);
    } catch {
      // Nobody can be told anything now; the next call asks again.
    }
  };

  function show({ others, changed }) {
    const told = others.map((other) => {
      const since = clock.format(new Date(other.since));
      return other.own ? `You have this stage open in another window since ${since}.` : `${other.name} has this stage open since ${since}.`;
    });
    if (changed) told.push("It was saved by somebody else since you opened it: when you save, you will see both and lose nothing.");
    const text = told.join(" ");
    if (note.querySelector("span").textContent === text) return;
    note.querySelector("span").textContent = text;
    note.hidden = !text;
    note.classList.toggle("is-warn", changed);
  }

  window.addEventListener("pagehide", () => {
    const body = new FormData();
    body.set("window", name);
    body.set("gone", "yes");
    body.set("csrfmiddlewaretoken", token());
    navigator.sendBeacon(note.dataset.url, body);
  });
  window.addEventListener("pageshow", (event) => event.persisted && call());
  document.addEventListener("visibilitychange", () => document.hidden || call());
  setInterval(() => document.hidden || call(), EVERY);
  call();
}

function zone() {
  const chosen = document.querySelector('meta[name="time-zone"]');
  return (chosen && chosen.content) || undefined;
}
