/**
 * The shapes that go between the hub and a page. Types only: nothing loads this file.
 *
 * @typedef {"owner" | "caregiver" | "nursery" | "viewer"} Role
 * @typedef {{id: string, name: string}} Named
 * @typedef {{device: string, caregiver: string | null, name: string, role: Role}} Me
 *
 * @typedef {object} Told  Somebody who was told, over one channel.
 * @property {string} alert
 * @property {string | null} caregiver
 * @property {string | null} name
 * @property {string} channel
 * @property {string | null} due
 * @property {string | null} sent
 * @property {string | null} shown
 * @property {string | null} failed
 *
 * @typedef {{event: string, caregiver: string | null, name: string | null, at: string,
 *   waiting?: boolean}} Going
 * @typedef {Going & {manner: string, source: string}} There
 * @typedef {{event: string, attempt: string, caregiver: string | null, name: string | null,
 *   at: string, waiting?: boolean}} Soothing
 * @typedef {{event: string, need: string, found: boolean | null, at: string,
 *   waiting?: boolean}} Check
 * @typedef {{event: string, at: string, until: string}} Proposed
 *
 * @typedef {object} LiveEpisode  An episode that is not over.
 * @property {string} id
 * @property {string} onset
 * @property {number} crying_s
 * @property {string | null} course
 * @property {Told[]} told
 * @property {Going[]} going
 * @property {There[]} there
 * @property {Soothing[]} soothing
 * @property {Check[]} checks
 * @property {Proposed[]} proposed
 * @property {string | null} calm_at
 * @property {boolean} false_alarm
 * @property {boolean} drill
 * @property {{caregiver: string | null, name: string | null, at: string} | null} next  No name: everybody.
 * @property {{visit: number, until: string} | null} plan
 *
 * @typedef {object} LastEpisode
 * @property {string} id
 * @property {string} onset
 * @property {string} outcome
 * @property {number | null} latency_s
 * @property {number} crying_s
 * @property {string | null} ended_at
 * @property {string | null} helped
 * @property {string | null} answered_by
 * @property {boolean} false_alarm
 * @property {boolean} drill
 *
 * @typedef {object} LiveRoom
 * @property {string} id
 * @property {string} name
 * @property {Named[]} children
 * @property {"browser" | "microphone" | "camera" | "file" | "off"} ear
 * @property {boolean} heard
 * @property {string | null} unheard_since
 * @property {string | null} unheard_reason
 * @property {"calm" | "crying" | "pausing" | "unheard" | "off"} state
 * @property {string | null} since
 * @property {boolean} provisional
 * @property {number | null} level_dbfs
 * @property {LiveEpisode | null} episode
 * @property {LastEpisode | null} last
 *
 * @typedef {object} Snapshot
 * @property {string} now
 * @property {{name: string, zone: string}} household
 * @property {Me} me
 * @property {LiveRoom[]} rooms
 * @property {Named[]} caregivers
 * @property {{kind: string, text: string, since: string | null}[]} problems
 * @property {{night_from: string | null, night_until: string | null,
 *   four_questions: boolean}} settings
 *
 * @typedef {object} PageEvent  An event that a person's tap made.
 * @property {string} id
 * @property {string} kind
 * @property {string} at
 * @property {string | null} room
 * @property {string | null} child
 * @property {Record<string, any>} data
 *
 * @typedef {object} Alert  What the hub sends when somebody is to be told.
 * @property {string} alert
 * @property {string} about
 * @property {string} title
 * @property {string} body
 * @property {string | null} room
 * @property {string | null} episode
 * @property {string | null} [url]
 * @property {boolean} urgent
 * @property {string | null} [onset]
 * @property {string | null} [detected_at]
 * @property {string | null} [due]
 */
export {};
