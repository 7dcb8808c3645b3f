/** Pieces that OpenAPI operations are put together from. */

import type { z } from 'zod';
import type { ZodOpenApiResponseObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { problemBody } from './schemas.js';

export function json(description: string, schema: z.ZodType): ZodOpenApiResponseObject {
  return { description, content: { 'application/json': { schema } } };
}

/** Any refusal: all have one shape, and the codes say more than a list of them per route would. */
export const problems: ZodOpenApiResponsesObject = {
  default: {
    description: 'Refused or failed: `error` is a stable code, `detail` says what to do',
    content: { 'application/problem+json': { schema: problemBody } },
  },
};

export function jsonBody(
  schema: z.ZodType,
  options: { readonly required: boolean },
): {
  readonly required: boolean;
  readonly content: { readonly 'application/json': { readonly schema: z.ZodType } };
} {
  return { required: options.required, content: { 'application/json': { schema } } };
}
