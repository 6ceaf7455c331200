// Requests to the server. Every fault is an Error with the server's code and text.

export class Fault extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function faultOf(response) {
  try {
    const body = await response.json();
    return new Fault(response.status, body.code, body.message);
  } catch {
    return new Fault(response.status, "", `The server answered ${response.status}.`);
  }
}

async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Fault(0, "", "The server does not answer.");
  }
  if (!response.ok) throw await faultOf(response);
  return response;
}

export const get = async (path) => (await request("GET", path)).json();
export const bytes = async (path) => new Uint8Array(await (await request("GET", path)).arrayBuffer());
export const post = async (path, body) => (await request("POST", path, body)).json();
export const put = async (path, body) => (await request("PUT", path, body)).json();
export const remove = async (path) => (await request("DELETE", path)).json();

// The only way to upload with progress is the old one. Returns the promise and what aborts it.
export function upload(file, onProgress) {
  const wire = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    wire.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    wire.onload = () => {
      let body = {};
      try {
        body = JSON.parse(wire.responseText);
      } catch {
        // answered below by the status
      }
      if (wire.status === 201) resolve(body);
      else reject(new Fault(wire.status, body.code ?? "", body.message ?? `The server answered ${wire.status}.`));
    };
    wire.onerror = () => reject(new Fault(0, "", "The upload was interrupted. Try again."));
    wire.onabort = () => reject(new Fault(0, "aborted", "The upload was cancelled."));
    wire.open("POST", `api/videos?name=${encodeURIComponent(file.name.slice(0, 500))}`);
    wire.setRequestHeader("Content-Type", "application/octet-stream");
    wire.send(file);
  });
  return { done, abort: () => wire.abort() };
}
