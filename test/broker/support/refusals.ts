import { Refusal } from '../../../shared/domain/errors.js';

/** The refusal that `work` ends in. @throws Error when it ends in anything else */
export async function refusalOf(work: () => unknown): Promise<Refusal> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
