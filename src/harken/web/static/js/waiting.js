/** What is read before a check-in plan at 4 to 6 months, and the tap that says so. */
import { HubError, list, post } from "./api.js";
import { byId, say } from "./dom.js";
import { dress } from "./shell.js";
import { tapped } from "./stages.js";

dress();
const wanted = new URLSearchParams(location.search).get("plan");
const read = byId("read", HTMLInputElement);
const go = byId("go", HTMLButtonElement);
const answer = byId("answer", HTMLElement);
go.hidden = wanted === null;

const settle = () => {
  go.disabled = !read.checked;
};
read.addEventListener("change", settle);
settle(); // a quick thumb may have ticked it before this script was there
go.addEventListener("click", async () => {
  try {
    const plan = (await list("/api/plans")).find((one) => one.id === wanted);
    if (!plan) {
      say(answer, "That plan is not there any more.");
      return;
    }
    const event = tapped("plan_started", null, {
      waits: plan.waits, read_evidence: true, ...(plan.caregiver && { caregiver: plan.caregiver }),
      ...(plan.most_dbfs !== null && { most_dbfs: plan.most_dbfs }), ...(plan.most_s !== null && { most_s: plan.most_s }),
    });
    event.room = plan.room;
    const result = await post("/api/events", { sent_at: new Date().toISOString(), events: [event] });
    const why = result.refused?.[0]?.why;
    if (why) say(answer, why);
    else location.assign("/");
  } catch (error) {
    say(answer, error instanceof HubError ? error.message : "Something went wrong on this page.");
  }
});
