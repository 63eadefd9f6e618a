import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  messageMetadata,
  outputMessages,
} from '../../local/functions_host/queue/encoding.js';

describe('a queue message', () => {
  it('comes out as it went in, whatever its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.constantFrom('base64', 'none'), (text, encoding) => {
        expect(decodeMessage(encodeMessage(text, encoding), encoding)).toBe(text);
      }),
    );
  });

  it.each(['plain text', 'YWJj!', 'YWJ', '{"a":1}', 'YW=='.slice(1)])('%j is not base64', (stored) => {
    expect(decodeMessage(stored, 'base64')).toBeUndefined();
  });
});

describe('the trigger metadata of a message', () => {
  it('has the members of a JSON message, which hide the built-in names, ignoring case', () => {
    const metadata = messageMetadata('{"ID":"mine","n":1,"o":{"x":[]}}', {
      id: { string: 'real' },
      dequeueCount: { int: 2 },
    });
    expect({ ...metadata }).toEqual({
      dequeueCount: { int: 2 },
      ID: { string: 'mine' },
      n: { json: '1' },
      o: { json: '{"x":[]}' },
    });
  });

  it.each(['text', '[1]', '{"broken"', '"{}"'])('is only the built-in names for %j', (text) => {
    expect({ ...messageMetadata(text, { id: { string: 'real' } }) }).toEqual({ id: { string: 'real' } });
  });
});

describe('the value of a queue output', () => {
  it.each([
    [undefined, []],
    [null, []],
    [{ string: '[1]' }, ['[1]']],
    [{ json: '{"a":1}' }, ['{"a":1}']],
    [{ json: '["a",{"b":2},null,3]' }, ['a', '{"b":2}', '3']],
    [{ json: '[]' }, []],
    [{ json: 'true' }, ['true']],
    [{ int: 0 }, ['0']],
    [{ bytes: new Uint8Array([104, 105]) }, [new Uint8Array([104, 105])]],
  ])('%j is the messages %j', (data, messages) => {
    expect(outputMessages(data)).toEqual(messages);
  });
});
