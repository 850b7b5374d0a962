import {
  ResourceNotFoundError,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { ProcessError } from '../core/errors.ts';
import type { ProcessService } from '../core/service.ts';
import { toProcess } from '../tools/wire.ts';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain';

/** An output resource is the end of what is retained: enough to look at, small enough to attach. */
const OUTPUT_LINES = 2000;
const OUTPUT_BYTES = 100_000;

export const RESOURCE_TEMPLATES: ResourceTemplateType[] = [
  {
    uriTemplate: 'process://{id}',
    name: 'process',
    title: 'Process status',
    description: 'Status of one process, as list_processes tells it.',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: 'process://{id}/output',
    name: 'process-output',
    title: 'Process output',
    description: 'The last output of one process as clean text.',
    mimeType: TEXT_TYPE,
  },
];

/** The resources that show this process. */
export function urisOf(id: string): { status: string; output: string } {
  return { status: `process://${id}`, output: `process://${id}/output` };
}

/** Which process and which of its two resources a URI means; undefined for any other URI. */
export function parseUri(uri: string): { id: string; output: boolean } | undefined {
  const [, id, output] = /^process:\/\/([^/?#]+)(\/output)?$/.exec(uri) ?? [];
  return id === undefined ? undefined : { id, output: output !== undefined };
}

export async function listResources(service: ProcessService): Promise<Resource[]> {
  const { processes } = await service.list();
  return processes.flatMap(({ id, status, command }) => [
    {
      uri: urisOf(id).status,
      name: id,
      title: `${id} (${status})`,
      description: command,
      mimeType: JSON_TYPE,
    },
    { uri: urisOf(id).output, name: `${id} output`, title: `Output of ${id}`, mimeType: TEXT_TYPE },
  ]);
}

/** Rejects with the protocol's resource-not-found for a URI that names no process we know. */
export async function readResource(service: ProcessService, uri: string): Promise<ReadResourceResult> {
  const target = parseUri(uri);
  if (target === undefined) throw new ResourceNotFoundError(uri);
  try {
    const text = target.output ? await outputText(service, target.id) : await statusText(service, target.id);
    return { contents: [{ uri, mimeType: target.output ? TEXT_TYPE : JSON_TYPE, text }] };
  } catch (error) {
    if (error instanceof ProcessError && error.code === 'PROCESS_NOT_FOUND')
      throw new ResourceNotFoundError(uri, `${error.message} ${error.hint}`);
    throw error;
  }
}

async function outputText(service: ProcessService, id: string): Promise<string> {
  const page = await service.read(id, { tail: OUTPUT_LINES, maxBytes: OUTPUT_BYTES });
  return page.text;
}

async function statusText(service: ProcessService, id: string): Promise<string> {
  const { processes } = await service.list({ ids: [id] });
  return JSON.stringify(processes.map(toProcess)[0], null, 2);
}
