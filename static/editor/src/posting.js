// Asking the server something that needs a body, with the form's token.

export function token() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  return field ? field.value : "";
}

/** The reply and its JSON ({} where it has none). Rejects with an AbortError where the signal says so. */
export async function post(url, body, signal) {
  const reply = await fetch(url, { method: "POST", body, signal, headers: { "X-CSRFToken": token(), Accept: "application/json" } });
  const isJson = (reply.headers.get("Content-Type") || "").includes("json");
  return { reply, json: isJson ? await reply.json() : {} };
}
