/** What is the customer's own: the basket, taking their data along, having it erased. */
import * as keystore from "./keystore.js";
import { api, file, HttpError } from "./me_api.js";
import { fill, readJson } from "./texts.js";

const say = readJson("me-texts");
const element = (id) => document.getElementById(id);

function notice(text, good = false) {
  const box = element("notice");
  box.className = good ? "banner good" : "banner bad";
  box.textContent = text;
  box.hidden = false;
  box.scrollIntoView({ block: "center" });
}

function failed(error) {
  notice(!(error instanceof HttpError) ? say.noConnection : error.status === 401 ? say.expired : say.failed);
}

element("mine").addEventListener("click", (event) => {
  const remove = event.target.closest("[data-remove]");
  if (remove) api("PUT", "/me/basket", { sku: remove.dataset.remove, quantity: 0 }).then(() => location.reload()).catch(failed);
});

element("later")?.addEventListener("click", (event) => {
  api("POST", "/me/basket/later").then(() => {
    event.target.hidden = true;
    notice(say.later, true);
  }).catch(failed);
});

element("export").addEventListener("click", async () => {
  try {
    const { blob, name } = await file("/me/export");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
    notice(say.exported, true);
  } catch (error) {
    failed(error);
  }
});

element("erase").addEventListener("click", () => element("sure").showModal());

element("sure").addEventListener("close", async () => {
  if (element("sure").returnValue !== "yes") return;
  try {
    const { number } = await api("POST", "/me/erase", { confirm: "ERASE" });
    await keystore.forget();
    for (const part of element("mine").querySelectorAll("section")) part.remove();
    notice(fill(say.erased, { number }), true);
    const receipt = document.createElement("a");
    receipt.href = `/api/v1/erasures/${number}`;
    receipt.textContent = say.receipt;
    element("notice").append(" ", receipt);
  } catch (error) {
    failed(error);
  }
});
