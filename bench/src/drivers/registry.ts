/** Which driver stands for which system. */

import type { Driver, DriverOptions } from '../driver.js';
import type { System } from '../samples.js';
import type { TrafficMeter } from '../traffic.js';
import { openFloor } from './floor.js';
import { openHypercore } from './hypercore.js';
import { openOurs } from './ours.js';
import { openPostgres } from './postgres.js';

export function driverOf(system: System, options: DriverOptions, traffic: TrafficMeter): Driver {
  switch (system) {
    case 'ours':
      return openOurs(options, traffic, { compresses: true });
    case 'ours_plain':
      return openOurs(options, traffic, { compresses: false });
    case 'hypercore':
      return openHypercore(options);
    case 'postgres':
      return openPostgres(options);
    case 'floor':
      return openFloor(options, { signed: false });
    case 'floor_signed':
      return openFloor(options, { signed: true });
    default:
      return system satisfies never;
  }
}
