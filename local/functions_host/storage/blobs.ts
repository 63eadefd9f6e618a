import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { errorCode } from '../errors.js';

/** A lease on a blob, held by this process. */
export interface BlobLease {
  /** Resolves to false when the lease is another's now, or its blob is gone. Rejects when storage does not answer. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

/** A small text blob. Every call may reject with a storage error. */
export interface TextBlob {
  /** Undefined when there is none. */
  read(): Promise<string | undefined>;
  /** Replaces it; makes the container when there is none. */
  write(content: string): Promise<void>;
  /** A lease for `seconds` (15 to 60), made on an empty blob when there is none; undefined when another holds it. */
  lease(seconds: number): Promise<BlobLease | undefined>;
}

/** Opens blobs by their path below the container `azure-webjobs-hosts`. */
export type BlobOpener = (path: string) => TextBlob;

/** The host's own container behind a connection string. */
export async function openHostBlobs(connection: string): Promise<BlobOpener> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  const service = BlobServiceClient.fromConnectionString(connection, {
    retryOptions: { maxTries: 2, tryTimeoutInMs: 15_000, retryDelayInMs: 200, maxRetryDelayInMs: 1000 },
  });
  const container = service.getContainerClient('azure-webjobs-hosts');
  return (path) => {
    const client = container.getBlockBlobClient(path);
    const create = async () => {
      await container.createIfNotExists();
      await client.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch((error: unknown) => {
        if (!isOneOf(error, ['BlobAlreadyExists', 'LeaseIdMissing'])) throw error;
      });
    };
    const blob: TextBlob = {
      async read() {
        try {
          // One request: downloadToBuffer asks for the size first and fails when the blob changes in between.
          const { readableStreamBody } = await client.download();
          return readableStreamBody ? await text(readableStreamBody) : '';
        } catch (error) {
          if (isOneOf(error, missing)) return undefined;
          throw error;
        }
      },
      async write(content) {
        const bytes = Buffer.from(content);
        const upload = () => client.upload(bytes, bytes.length);
        await upload().catch(async (error: unknown) => {
          if (!isOneOf(error, missing)) throw error;
          await container.createIfNotExists();
          await upload();
        });
      },
      async lease(seconds) {
        const lease = client.getBlobLeaseClient(randomUUID());
        try {
          await lease.acquireLease(seconds);
        } catch (error) {
          if (isOneOf(error, ['LeaseAlreadyPresent'])) return undefined;
          if (!isOneOf(error, missing)) throw error;
          await create();
          return blob.lease(seconds);
        }
        return {
          async renew() {
            try {
              await lease.renewLease();
              return true;
            } catch (error) {
              if (isOneOf(error, [...missing, ...leaseLost])) return false;
              throw error;
            }
          },
          async release() {
            await lease.releaseLease();
          },
        };
      },
    };
    return blob;
  };
}

const missing = ['BlobNotFound', 'ContainerNotFound'];
const leaseLost = [
  'LeaseIdMismatchWithLeaseOperation',
  'LeaseNotPresentWithLeaseOperation',
  'LeaseIsBrokenAndCannotBeRenewed',
  'LeaseLost',
];

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  if (codes.includes(errorCode(error))) return true;
  // A HEAD-like answer carries no code in its body, only the status.
  return codes === missing && error instanceof Error && 'statusCode' in error && error.statusCode === 404;
}
