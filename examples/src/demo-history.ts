/** Writes the small history in `data`: three services with late arrivals, many offsets, causes, and names from everywhere. */

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@logline/federation-core/testing';

interface Step {
  readonly title: (subject: string) => string;
  readonly by: 'person' | 'agent';
  readonly status?: 'simulated' | 'reverted' | 'ghost';
  readonly data: (random: SeededRandom) => Readonly<Record<string, unknown>>;
}

interface Service {
  readonly file: string;
  readonly tenant: string;
  readonly workflow: string;
  readonly subjects: readonly string[];
  readonly steps: readonly Step[];
}

const DATA = join(import.meta.dirname, '..', 'data');
const CASES = 40;
const START_MS = Date.UTC(2024, 1, 27, 21, 40);
const OFFSETS_MIN = [-570, -480, -210, 0, 0, 60, 120, 330, 345, 540, 765];
const PEOPLE = ['Zoë', 'Łukasz', 'Ngozi', 'Mariana', '陳美玲', 'Юлия', 'علي', 'Þórdís', 'Somchai', 'Renée'];

const meters = (random: SeededRandom): number => 20 + random.below(380);

const SERVICES: readonly Service[] = [
  {
    file: 'alpha',
    tenant: 'harbour',
    workflow: 'berthing',
    subjects: ['MV Ægir', 'São Gabriel', '第八海丸', 'Żubr', 'Kapitän Höfler', 'Île d’Yeu', 'Торос'],
    steps: [
      { title: (ship) => `${ship} asks for a berth`, by: 'person', data: (r) => ({ length_m: meters(r) }) },
      {
        title: (ship) => `Tide window for ${ship}`,
        by: 'agent',
        status: 'simulated',
        data: (r) => ({ tide_cm: r.below(610) - 90 }),
      },
      {
        title: (ship) => `Pilot boards ${ship}`,
        by: 'person',
        data: (r) => ({ wind_kn: r.below(44), gusts: r.chance(30) }),
      },
      {
        title: (ship) => `${ship} is moored`,
        by: 'person',
        data: (r) => ({ berth: `Q${1 + r.below(12)}`, lines: 4 + r.below(5) }),
      },
      {
        title: (ship) => `Dues for ${ship}`,
        by: 'agent',
        data: (r) => ({ amount: `${200 + r.below(9000)}.${10 + r.below(90)}`, currency: 'EUR' }),
      },
    ],
  },
  {
    file: 'beta',
    tenant: 'seed-bank',
    workflow: 'accession',
    subjects: [
      'Solanum tuberosum ‘Púka’',
      'Oryza sativa 越光',
      'Zea mays “Maíz Bolita”',
      'Hordeum vulgare',
      'Triticum – Гирка',
      'Vigna unguiculata',
    ],
    steps: [
      {
        title: (seed) => `Received: ${seed}`,
        by: 'person',
        data: (r) => ({ grams: 5 + r.below(900), sealed: r.chance(90) }),
      },
      {
        title: (seed) => `Moisture of ${seed}`,
        by: 'agent',
        data: (r) => ({ percent: 3 + r.below(9), probe: `µ${r.below(6)}` }),
      },
      {
        title: (seed) => `Germination trial, ${seed} 🌱`,
        by: 'person',
        data: (r) => ({ sown: 50, sprouted: r.below(51) }),
      },
      {
        title: (seed) => `Label withdrawn: ${seed}`,
        by: 'person',
        status: 'reverted',
        data: () => ({ reason: 'name misspelt' }),
      },
      {
        title: (seed) => `Into the vault: ${seed}`,
        by: 'agent',
        data: (r) => ({ shelf: `${r.below(30)}-${r.below(12)}`, celsius: -18 }),
      },
    ],
  },
  {
    file: 'gamma',
    tenant: 'night-train',
    workflow: 'journey',
    subjects: [
      'Göteborg → Wrocław',
      'Tbilisi თბილისი → Batumi',
      'Αθήνα → Θεσσαλονίκη',
      '東京 → 札幌',
      'Lisboa → Évora',
      'Cluj → Brașov',
    ],
    steps: [
      {
        title: (line) => `Composition for ${line}`,
        by: 'agent',
        data: (r) => ({ cars: 5 + r.below(9), sleeper: r.chance(70) }),
      },
      { title: (line) => `Departure: ${line}`, by: 'person', data: (r) => ({ delay_s: r.below(900) }) },
      {
        title: (line) => `Border check, ${line}`,
        by: 'person',
        data: (r) => ({ minutes: r.below(55), papers: '✓' }),
      },
      {
        title: (line) => `Ghost stop on ${line}`,
        by: 'agent',
        status: 'ghost',
        data: (r) => ({ km: r.below(700) }),
      },
      {
        title: (line) => `Arrival: ${line}`,
        by: 'person',
        data: (r) => ({ on_time: r.chance(60), note: r.chance(20) ? 'Schnee ❄' : '' }),
      },
    ],
  },
];

/** A span, and when it reached the node: whoever is out of reach hands in late. */
interface Handed {
  readonly span: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

function historyOf(service: Service, random: SeededRandom): readonly string[] {
  const handed: Handed[] = [];
  for (let n = 0; n < CASES; n++) handed.push(...caseOf(service, n, random));
  return handed.sort((a, b) => a.atMs - b.atMs).map(({ span }) => JSON.stringify(span));
}

/** One case from its first step to its last, each caused by the one before. */
function caseOf(service: Service, n: number, random: SeededRandom): readonly Handed[] {
  const subject = random.pick(service.subjects);
  const handed: Handed[] = [];
  let atMs = START_MS + n * 2_700_000 + random.below(3_600_000);
  let cause: string | undefined;
  for (const [step, { title, by, status, data }] of service.steps.entries()) {
    const id = uuidOf(`${service.tenant}/${n}/${step}`);
    const late = random.chance(25) ? random.below(40 * 3_600_000) : random.below(2_000);
    const span = {
      id,
      timestamp: timestampOf(atMs, random),
      logline_id: `logline-id://app/${service.tenant}`,
      author: by === 'agent' ? `logline-id://agent/${service.workflow}` : personOf(random),
      title: title(subject),
      status: status ?? 'executed',
      tenant_id: service.tenant,
      workflow_id: service.workflow,
      flow_id: `${service.workflow}-${n + 1}`,
      span_type: by === 'agent' ? 'system' : 'user',
      visibility: random.pick(['private', 'organization', 'public']),
      ...(cause !== undefined && { caused_by: cause }),
      ...(random.chance(30) && { tags: [service.workflow, random.pick(PEOPLE)] }),
      data: data(random),
    };
    handed.push({ span, atMs: atMs + late });
    cause = id;
    // Some steps happen within the same instant, so that their ids decide the order.
    atMs += random.chance(12) ? 0 : random.below(5 * 3_600_000);
  }
  return handed;
}

/** RFC 3339 in some local time, with as many digits of the second as whoever wrote it had. */
function timestampOf(atMs: number, random: SeededRandom): string {
  const offsetMin = random.pick(OFFSETS_MIN);
  const local = new Date(atMs + offsetMin * 60_000).toISOString();
  const second = local.slice(0, 19);
  const millis = local.slice(20, 23);
  const fraction = random.pick([
    '',
    `.${millis}`,
    `.${millis}`,
    `.${millis}${String(100_000 + random.below(900_000))}`,
  ]);
  if (offsetMin === 0) return `${second}${fraction}${random.chance(70) ? 'Z' : '+00:00'}`;
  const size = Math.abs(offsetMin);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${second}${fraction}${offsetMin < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function personOf(random: SeededRandom): string {
  const key = createHash('sha256').update(random.pick(PEOPLE)).digest('hex').slice(0, 12);
  return `logline-id://person/${key}`;
}

/** A UUID of version 5 (RFC 9562), in a name space of this file. */
function uuidOf(name: string): string {
  const hex = createHash('sha1').update(`logline demo history\n${name}`).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

mkdirSync(DATA, { recursive: true });
for (const [seed, service] of SERVICES.entries()) {
  const lines = historyOf(service, new SeededRandom(seed + 1));
  const path = join(DATA, `${service.file}.ndjson`);
  writeFileSync(path, `${lines.join('\n')}\n`);
  console.log(`${path}: ${lines.length} spans`);
}
