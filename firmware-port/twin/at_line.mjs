// SPDX-License-Identifier: Apache-2.0

/**
 * One line as the module reads it: { name, kind, args }; kind is 'set' (=...), 'query' (?), 'test'
 * (=?) or 'run'. Texts stand in quotes, in which a backslash takes the next character as it is. null:
 * not a command.
 */
export function parseLine(line) {
    const match = /^AT(?:\+([A-Z0-9_]+))?(=\?|\?|=)?/s.exec(line);
    if (match === null) {
        return null;
    }
    const rest = line.slice(match[0].length);
    const kind = { '=': 'set', '?': 'query', '=?': 'test' }[match[2]] ?? 'run';
    if (match[1] === undefined) {
        return line === 'ATE0' || line === 'ATE1' || line === 'AT'
            ? { name: line, kind: 'run', args: [] } : null;
    }
    const args = kind === 'set' ? parseArguments(rest) : [];
    return args === null || (kind !== 'set' && rest !== '') ? null : { name: match[1], kind, args };
}

/** Numbers and texts between commas; null: something else. */
function parseArguments(text) {
    const args = [];
    const piece = /(?:"((?:[^"\\]|\\.)*)"|(-?\d+)|)(,|$)/sy;
    for (;;) {
        const match = piece.exec(text);
        if (match === null) {
            return null;
        }
        args.push(match[1] !== undefined ? match[1].replace(/\\(.)/gs, '$1')
            : match[2] !== undefined ? Number(match[2]) : null);
        if (match[3] === '') {
            return args;
        }
    }
}
