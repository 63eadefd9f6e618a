import type { BlobClient } from './blob_client.js';

export interface ListedBlob {
  readonly name: string;
  readonly etag: string;
  readonly modifiedAt: number;
}

/** A part of a store that has more blobs than this is swept in its first ones only, so that one sweep ends. */
const mostPages = 20;

function inside(xml: string, tag: string): string {
  const found = new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1] ?? '';
  return found.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

/** The blobs whose names begin with `prefix`, page by page, 20,000 at most. */
export async function* listBlobs(client: BlobClient, prefix: string): AsyncGenerator<ListedBlob> {
  let marker = '';
  for (let page = 0; page < mostPages; page += 1) {
    const query = { restype: 'container', comp: 'list', prefix, maxresults: '1000' };
    const { text } = await client.call({
      method: 'GET',
      name: '',
      query: marker === '' ? query : { ...query, marker },
    });
    for (const [, blob = ''] of text.matchAll(/<Blob>(.*?)<\/Blob>/gs))
      yield {
        name: inside(blob, 'Name'),
        etag: inside(blob, 'Etag'),
        modifiedAt: Date.parse(inside(blob, 'Last-Modified')),
      };
    marker = inside(text, 'NextMarker');
    if (marker === '') return;
  }
}
