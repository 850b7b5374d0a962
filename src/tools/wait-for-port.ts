import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { renderPortWait } from './render-wait.ts';
import { portWaitShape } from './shapes.ts';
import { invalidArgument } from './validate.ts';
import { toPortWait } from './wire.ts';

const { optional } = field;

const httpStatus = z.int().min(100).max(599);
const input = z.strictObject({
  id: optional(field.id),
  port: optional(field.port.describe('With id, default: whichever it opens')),
  host: optional(field.hostName.describe('Default localhost')),
  mode: optional(z.enum(['tcp', 'http']).describe('Default tcp; path or status imply http')),
  path: optional(field.httpPath),
  status: optional(
    z.union([httpStatus, z.array(httpStatus).length(2)]).describe('Code or [min, max]; default 200-399'),
  ),
  allow_foreign: optional(field.flag),
  timeout_ms: field.waitTimeout,
});

export const waitForPort = defineTool({
  name: 'wait_for_port',
  title: 'Wait for port',
  description:
    'Block until a port accepts connections or answers HTTP. With id, the port must belong to that process: one held by another program is foreign, with its owner named. Give id, port or both.',
  annotations: { readOnlyHint: true },
  input,
  output: portWaitShape,
  async handler({ status, allow_foreign, timeout_ms, ...rest }, service, context) {
    if (rest.id === undefined && rest.port === undefined)
      throw invalidArgument(
        'neither id nor port given; expected: at least one',
        'Name the process, the port, or both.',
      );
    if (rest.mode === 'tcp' && (rest.path !== undefined || status !== undefined))
      throw invalidArgument(
        'path and status need mode http',
        'Leave mode out, or leave path and status out.',
      );
    const options = present({
      httpStatus: status === undefined ? undefined : toRange(status),
      allowForeign: allow_foreign,
      timeoutMs: timeout_ms,
    });
    const value = toPortWait(await service.waitForPort({ ...rest, ...options }, context));
    return { value, text: renderPortWait(rest.id, value) };
  },
});

function toRange(status: number | readonly number[]): readonly [number, number] {
  const [min = 200, max = 399] = typeof status === 'number' ? [status, status] : status;
  if (min <= max) return [min, max];
  throw invalidArgument(`status is [${min}, ${max}]; expected: [min, max]`, `Use [${max}, ${min}].`);
}
