"""Compiled loops for large landscapes: the search for what escapes a cover, and bounds on faces.

Bit sets are rows of 64-bit words, lowest bit first. What floating point says is either a guess, or
comes with a bound of its errors.

This module is imported by the first large landscape; `theory.landscape.machine_code` tells what
becomes of what is compiled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import int64, uint64

from theory.landscape.machine_code import compiled, routine
from theory.types import Array

if TYPE_CHECKING:
    from jaxtyping import Bool, Float64, Int8, Int64, UInt64

_WORD = 64
_AT_ONCE = 1_000_000  # steps of the search between two looks at the clock
_LARGEST = 2**62
_GAIN = 1e-12  # of a column that may enter, relative to the length of y: above what rounding makes
_POSITIVE = 1e-11  # of a coefficient, above what rounding makes
_NOISE = 1e-9  # of products of vectors of about unit length
_INDEPENDENT = 1e-10  # what is left of a column of unit length that depends on no others


@compiled
def _bit_count(word: Any) -> int:
    word = word - ((word >> uint64(1)) & uint64(0x5555555555555555))
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    return int64((word * uint64(0x0101010101010101)) >> uint64(56))  # type: ignore[return-value]


@compiled
def copy(a: Array, b: Array, n: int) -> None:
    """The first n entries of b into a: without the errors that an assignment may raise."""
    for i in range(n):
        a[i] = b[i]


@compiled
def _lowest(words: Array) -> int:
    """The first member of a bit set; -1 where it is empty."""
    for k in range(len(words)):
        word = words[k]
        if word:
            return 64 * k + _bit_count((word & (~word + uint64(1))) - uint64(1))
    return -1


@compiled
def _without(words: Array, member: int) -> None:
    words[member >> 6] &= ~(uint64(1) << uint64(member & 63))


@compiled
def _step(steps: Array, first: int, end: int, weight: int) -> int:
    """The place of the last step that is not above the weight."""
    while first < end:
        middle = (first + end) // 2
        if steps[middle] <= weight:
            first = middle + 1
        else:
            end = middle
    return first - 1


_TABLE = ("i8[:]", "i8[:]", "u8[:, :]")
_STACK = ("i8[:]", "i8[:, :]", "i8[:, :]", "u8[:, :]", "u8[:, :]")


@routine(*_TABLE, *_STACK)
def _start(
    starts: Array,
    steps: Array,
    sets: Array,
    counts: Array,
    pending: Array,
    left: Array,
    allowed: Array,
    branch: Array,
) -> int:
    """Set the first branch."""
    width = len(counts)
    if width == 1:
        copy(branch[0], allowed[0], allowed.shape[1])
    else:
        _narrowest(0, width, starts, steps, sets, counts, pending, left, allowed, branch)
    return 0


@compiled
def _narrowest(
    depth: int,
    share: int,
    starts: Array,
    steps: Array,
    sets: Array,
    counts: Array,
    pending: Array,
    left: Array,
    allowed: Array,
    branch: Array,
) -> None:
    """Set the branch at a depth: the fewest allowed states that are heavy enough for some cover."""
    least, at = 1 << 62, -1
    for place in range(counts[depth]):
        cover = pending[depth, place]
        k = _step(steps, starts[cover], starts[cover + 1], left[depth, place] // share)
        size = 0
        for word in range(allowed.shape[1]):
            size += _bit_count(sets[k, word] & allowed[depth, word])
            if size >= least:
                break
        if size < least:
            least, at = size, k
    for word in range(allowed.shape[1]):
        branch[depth, word] = allowed[depth, word]
        if at >= 0:
            branch[depth, word] &= sets[at, word]


@routine(*_TABLE, *_STACK, "i8[:, :]", "i8[:]", "i8[:]", "i8[:]")
def _advance(
    work: int,
    starts: Array,
    steps: Array,
    sets: Array,
    counts: Array,
    pending: Array,
    left: Array,
    allowed: Array,
    branch: Array,
    weights: Array,
    chosen: Array,
    seen: Array,
    at: Array,
) -> int:
    """Go on until a multiset escapes, `work` is spent or all is searched: whether `chosen` is an
    escape. at: the depth, which is -1 then."""
    width, depth = len(chosen), at[0]
    while depth >= 0 and work > 0:
        if depth == width - 1:
            some = True
            while seen[depth] < counts[depth] and some:
                place = seen[depth]
                cover = pending[depth, place]
                k = _step(steps, starts[cover], starts[cover + 1], left[depth, place])
                some = False
                for word in range(allowed.shape[1]):
                    branch[depth, word] &= sets[k, word]
                    some |= branch[depth, word] != 0
                seen[depth] += 1
                work -= 1
        state = _lowest(branch[depth])
        if state >= 0:
            _without(branch[depth], state)
            chosen[depth] = state
            if depth == width - 1:
                at[0] = depth
                return 1
            size = 0
            for place in range(counts[depth]):
                cover = pending[depth, place]
                rest = left[depth, place] - weights[cover, state]
                if rest >= 0:
                    pending[depth + 1, size] = cover
                    left[depth + 1, size] = rest
                    size += 1
            work -= counts[depth] + 1
            depth += 1
            counts[depth] = size
            seen[depth] = 0
            copy(allowed[depth], allowed[depth - 1], allowed.shape[1])
            if depth == width - 1:
                copy(branch[depth], allowed[depth], allowed.shape[1])
            else:
                _narrowest(
                    depth,
                    width - depth,
                    starts,
                    steps,
                    sets,
                    counts,
                    pending,
                    left,
                    allowed,
                    branch,
                )
        else:
            depth -= 1
            if depth >= 0:
                # What holds this state has now been seen.
                _without(allowed[depth], chosen[depth])
    at[0] = depth
    return 0


def _packed(flags: Bool[Array, "*rows k"]) -> UInt64[Array, "*rows words"]:
    """Bit sets of what is true."""
    octets = np.packbits(flags, axis=-1, bitorder="little")
    missing = -octets.shape[-1] % 8
    octets = np.concatenate([octets, np.zeros((*octets.shape[:-1], missing), np.uint8)], axis=-1)
    return octets.view("<u8").astype(np.uint64)


def grown(array: Array, axis: int = 0) -> Array:
    """With as much room again."""
    shape = list(array.shape)
    shape[axis] *= 2
    twice = np.zeros(shape, array.dtype)  # which takes no memory before it is used
    twice[tuple(map(slice, array.shape))] = array
    return twice


class Escapes:
    """The multisets of `width` states that exceed the limits of all covers, one after the other.

    Covers may be added at any time. Weights beyond 64 bits are rounded to the safe side: some
    multisets that such a cover just covers are then found nevertheless.
    """

    def __init__(self, states: int, width: int) -> None:
        self._covers = 0
        self._at = np.zeros(1, np.int64)
        words, room = -(-states // _WORD), 1024
        self._weights = np.zeros((room, states), np.int64)
        self._starts = np.zeros(room + 1, np.int64)
        self._steps = np.zeros(2 * room, np.int64)
        self._sets = np.zeros((2 * room, words), np.uint64)
        # For each depth of the search: the covers whose limit is not exceeded, and what is left of
        # it; the states that may still be used, and those that are to be tried.
        self._counts = np.zeros(width, np.int64)
        self._pending = np.zeros((width, room), np.int64)
        self._left = np.zeros((width, room), np.int64)
        self._allowed = np.zeros((width, words), np.uint64)
        self._allowed[0] = _packed(np.ones(states, bool))
        self._branch = np.zeros((width, words), np.uint64)
        self._chosen = np.zeros(width, np.int64)
        self._seen = np.zeros(width, np.int64)
        self._bind()

    def _bind(self) -> None:
        """Tell the routines where all of it is."""
        table = (self._starts, self._steps, self._sets)
        stack = (self._counts, self._pending, self._left, self._allowed, self._branch)
        own = (self._weights, self._chosen, self._seen, self._at)
        self._start = _start.on(*table, *stack)
        self._advance = _advance.on(*table, *stack, *own)

    def add(self, weights: Sequence[int], limit: int) -> bool:
        """From now on leave out multisets of a total weight of at most the limit; whether weights
        had to be rounded."""
        largest = max(limit, max(weights) * len(self._chosen))
        shift = max(0, largest.bit_length() - _LARGEST.bit_length() + 1)
        if shift:
            weights = [-(-weight >> shift) for weight in weights]
        rounded = np.array(weights, np.int64)
        steps = np.unique(np.append(rounded, 0))
        cover, first = self._covers, int(self._starts[self._covers])
        end = first + len(steps)
        while end > len(self._steps):
            self._steps, self._sets = grown(self._steps), grown(self._sets)
            self._bind()
        if cover == len(self._weights):
            self._weights, self._starts = grown(self._weights), grown(self._starts)
            self._pending, self._left = grown(self._pending, 1), grown(self._left, 1)
            self._bind()
        self._weights[cover] = rounded
        self._steps[first:end] = steps
        self._sets[first:end] = _packed(rounded > steps[:, None])
        self._starts[cover + 1] = end
        self._covers += 1
        left = limit >> shift
        for depth in range(int(self._at[0]) + 1):
            if left < 0:
                break
            place = self._counts[depth]
            self._pending[depth, place], self._left[depth, place] = cover, left
            self._counts[depth] = place + 1
            left -= int(rounded[self._chosen[depth]])
        return shift > 0

    def found(self) -> Iterator[tuple[int, ...] | None]:
        """Each of them, not sorted; None now and then, so that one may look at the clock."""
        self._start()
        while self._at[0] >= 0:
            yield tuple(self._chosen.tolist()) if self._advance(_AT_ONCE) else None


@routine(
    *("i8[:]", "f8[:, :]", "f8[:]", "f8[:]", "i1[:, :]", "i8[:]", "f8[:, :]", "f8[:, :]"),
    "f8[:, :]",
)
def _nonnegative(
    k: int,
    ids: Array,
    columns: Array,
    y: Array,
    z: Array,
    places: Array,
    used: Array,
    Q: Array,
    R: Array,
    vectors: Array,
) -> int:
    """Set z >= 0 (k,) of least ||sum_i z_i columns[ids_i] - y||, by Lawson and Hanson's method,
    and vectors[0], the residual; whether the iteration came to its end.

    Memory: places (2, k), used (n + 1,), Q and R (n + 1, n + 1), vectors (4, n + 1).
    """
    n = len(y)
    inside, blocked = places[0], places[1]
    residual, target, along, rest = vectors[0], vectors[1], vectors[2], vectors[3]
    z[:k] = 0.0
    inside[:k] = 0
    blocked[:k] = 0
    copy(residual, y, n)
    least = _GAIN * np.sqrt(_dot(y, y, n))
    size = 0  # of the columns in use, which are Q^T R, with orthonormal rows of Q
    for _ in range(3 * k + 30):
        gain, entering = least, -1
        for i in range(k):
            if not inside[i] and not blocked[i]:
                product = _dot(columns[ids[i]], residual, n)
                if product > gain:
                    gain, entering = product, i
        if entering < 0:
            return 1
        used[size] = entering
        if size == n or not _orthogonal(columns[ids[entering]], Q, R, size, rest):
            blocked[entering] = 1  # it depends on those in use, up to rounding
            continue
        along[size] = _dot(Q[size], y, n)
        size += 1
        inside[entering] = 1
        blocked[:k] = 0
        while True:
            for i in range(size - 1, -1, -1):
                value = along[i]
                for j in range(i + 1, size):
                    value -= R[i, j] * target[j]
                target[i] = value / R[i, i]
            step, leaving = 1.0, -1
            for i in range(size):
                own = z[used[i]]
                if target[i] <= 0 and own <= step * (own - target[i]):
                    step, leaving = own / (own - target[i]) if own > 0 else 0.0, i
            for i in range(size):
                z[used[i]] += step * (target[i] - z[used[i]])
            if leaving < 0:
                break
            z[used[leaving]] = 0.0
            if used[leaving] == entering:
                blocked[entering] = 1  # only rounding made it seem to help
            kept = 0
            while z[used[kept]] > 0:
                kept += 1
            for i in range(kept, size):
                c = used[i]
                if z[c] > 0 and _orthogonal(columns[ids[c]], Q, R, kept, rest):
                    used[kept] = c
                    along[kept] = _dot(Q[kept], y, n)
                    kept += 1
                else:
                    z[c], inside[c] = 0.0, 0
            size = kept
        copy(residual, y, n)
        for i in range(size):
            _subtract(z[used[i]], columns[ids[used[i]]], residual, n)
    return 0


@compiled
def _orthogonal(column: Array, Q: Array, R: Array, size: int, rest: Array) -> bool:
    """Append a column to a decomposition; whether it is independent of those before."""
    n = len(column)
    copy(rest, column, n)
    R[: size + 1, size] = 0.0
    for _ in range(2):  # once more takes away what rounding left
        for i in range(size):
            part = _dot(Q[i], rest, n)
            R[i, size] += part
            _subtract(part, Q[i], rest, n)
    length = np.sqrt(_dot(rest, rest, n))
    if length < _INDEPENDENT:
        return False
    R[size, size] = length
    for i in range(n):
        Q[size, i] = rest[i] / length
    return True


@compiled
def _dot(a: Array, b: Array, n: int) -> float:
    """In a loop, as vectors are short and NumPy's product would load SciPy."""
    total = 0.0
    for i in range(n):
        total += a[i] * b[i]
    return total


@compiled
def _subtract(factor: float, a: Array, b: Array, n: int) -> None:
    """Take a multiple of `a` away from `b`: without memory for it, as an expression would need."""
    for i in range(n):
        b[i] -= factor * a[i]


@routine("f8[:, :]", "f8[:, :]", "i1[:]")
def _rising(columns: Array, vectors: Array, marks: Array) -> int:
    """Mark the columns that would make the residual, vectors[0], smaller."""
    for c in range(len(columns)):
        marks[c] = _dot(columns[c], vectors[0], columns.shape[1]) > _NOISE
    return 0


class Fits:
    """min ||sum_c z_c c - y|| over z >= 0 in floating point, for subsets of some columns.

    columns: (k, n), one in each row, of unit length.
    """

    def __init__(self, columns: Float64[Array, "k n"], y: Float64[Array, " n"]) -> None:
        k, n = columns.shape
        self._ids, self._z = np.zeros(k, np.int64), np.zeros(k)
        self._marks = np.zeros(k, np.int8)
        vectors = np.zeros((4, n + 1))
        self._nonnegative = _nonnegative.on(
            self._ids,
            columns,
            y,
            self._z,
            np.zeros((2, k), np.int8),
            np.zeros(n + 1, np.int64),
            *np.zeros((2, n + 1, n + 1)),
            vectors,
        )
        self._rest = vectors[0, :n]
        self._rising = _rising.on(columns, vectors, self._marks)

    def support(self, ids: Sequence[int]) -> list[int] | None:
        """The columns that have positive coefficients, of some; None where floats give up."""
        size = len(ids)
        self._ids[:size] = ids
        if not self._nonnegative(size):
            return None
        support: list[int] = self._ids[:size][self._z[:size] > _POSITIVE].tolist()
        return support

    def rest(self, ids: Sequence[int]) -> Float64[Array, " n"]:
        """What is left of y by some of the columns, until the next call."""
        self._ids[: len(ids)] = ids
        self._nonnegative(len(ids))
        return self._rest

    def rising(self, ids: Sequence[int]) -> Bool[Array, " k"]:
        """Which columns would make the least distance with these smaller."""
        self.rest(ids)
        self._rising()
        return self._marks.astype(bool)


@routine("i8[:]", "i8[:]", "i1[:]", "i1[:]")
def _having(members: Array, starts: Array, marked: Array, found: Array) -> int:
    """Set which groups have a marked member; those of group i are at starts[i] to starts[i + 1]."""
    for group in range(len(found)):
        found[group] = 0
        for k in range(starts[group], starts[group + 1]):
            if marked[members[k]]:
                found[group] = 1
                break
    return 0


class Parts:
    """Groups of columns, by number: of neurons in states or on faces."""

    def __init__(self, groups: Sequence[Sequence[int]], column_count: int) -> None:
        self._marked, self.found = np.zeros(column_count, np.int8), np.zeros(len(groups), np.int8)
        self.members = np.array([*chain(*groups)], np.int64)
        self.starts = np.cumsum([0, *map(len, groups)])
        self._having = _having.on(self.members, self.starts, self._marked, self.found)

    def having(self, columns: Bool[Array, " c"]) -> Int8[Array, " parts"]:
        """Which groups have some of the columns marked, until the next call."""
        self._marked[:] = columns
        self._having()
        return self.found


@routine("i1[:]", "u8[:, :]")
def _bar(number: int, barring: Array, barred: Array) -> int:
    """Let a vector be barred."""
    for part in range(len(barring)):
        if barring[part]:
            barred[part, number >> 6] |= uint64(1) << uint64(number & 63)
    return 0


@routine("i8[:]", "i8[:]", "u8[:, :]")
def _bits(members: Array, starts: Array, found: Array) -> int:
    """Set the members of each group as a bit set."""
    for group in range(len(found)):
        for k in range(starts[group], starts[group + 1]):
            found[group, members[k] >> 6] |= uint64(1) << uint64(members[k] & 63)
    return 0


@compiled
def bounds_of_faces(
    labelled: int,
    cell: Array,
    starts: Array,
    barred: Array,
    bounds: Array,
    highest: Array,
    rest: Array,
    found: Array,
    proofs: Array,
) -> int:
    """Set the best bound of each face of a cell, and its vector (0: none); the number of faces.

    Memory: rest (words,).
    """
    states = len(starts) - 1
    words = len(highest)
    faces = 0
    for position in range(len(cell)):
        state = cell[position]
        if not labelled and position > 0 and cell[position - 1] == state:
            continue
        rest[:] = 0
        for other in range(len(cell)):
            if other != position:
                for word in range(words):
                    rest[word] |= barred[cell[other], word]
        for move in range(starts[state], starts[state + 1]):
            best, at = 0.0, 0
            for word in range(words):
                if highest[word] > best:
                    free = ~(rest[word] | barred[states + move, word])
                    while free:
                        bit = free & (~free + uint64(1))
                        free ^= bit
                        number = 64 * word + _bit_count(bit - uint64(1))
                        if bounds[number] > best:
                            best, at = bounds[number], number
            found[faces], proofs[faces] = best, at
            faces += 1
    return faces


@compiled
def best_of_face(
    cell: Array, position: int, part: int, barred: Array, bounds: Array, highest: Array
) -> int:
    """The vector of the best bound of one face; 0: none."""
    best, at = 0.0, 0
    for word in range(len(highest)):
        if highest[word] > best:
            free = ~barred[part, word]
            for other in range(len(cell)):
                if other != position:
                    free &= ~barred[cell[other], word]
            while free:
                bit = free & (~free + uint64(1))
                free ^= bit
                number = 64 * word + _bit_count(bit - uint64(1))
                if bounds[number] > best:
                    best, at = bounds[number], number
    return at


_FACES = ("i8[:]", "i8[:]", "u8[:, :]", "f8[:]", "f8[:]", "u8[:]", "f8[:]", "i8[:]")
_faces = routine(*_FACES)(bounds_of_faces)


class Pool:
    """Dual vectors with the bound of each, and which neurons in a state or on a face of it bar it.

    A vector bounds the loss on a face wherever no neuron there bars it. Number 0 is that of none,
    and of the bound 0. starts: the faces of state s have the numbers starts[s] to starts[s + 1].
    labelled: whether equal neurons have faces of their own. groups: the columns of each neuron in a
    state, then on the faces.
    """

    def __init__(
        self,
        starts: Sequence[int],
        groups: Sequence[Sequence[int]],
        column_count: int,
        width: int,
        *,
        labelled: bool,
    ) -> None:
        self.starts = np.array(starts, np.int64)
        self.labelled = labelled
        self._parts = Parts(groups, column_count)
        self.columns = np.zeros((len(groups), -(-column_count // _WORD)), np.uint64)
        _bits.on(self._parts.members, self._parts.starts, self.columns)()
        self._count, self._minima = 1, 0
        self.barred = np.zeros((len(groups), 1), np.uint64)
        self.bounds, self.highest = np.zeros(_WORD), np.zeros(1)
        # Of vectors of one rounded bound, by the exact one; and the first and the last of the
        # minima that they are optimal for, which are a list.
        self.ranks = np.zeros(_WORD, np.int64)
        self.attained = np.full((_WORD, 2), -1)
        self.following = np.full(_WORD, -1)
        self.supports = np.zeros((_WORD, self.columns.shape[1]), np.uint64)
        self._cell = np.zeros(width, np.int64)
        self.most = width * int(np.diff(self.starts).max())
        self._found, self._proofs = np.zeros(self.most), np.zeros(self.most, np.int64)
        self._bind()

    def _bind(self) -> None:
        rest = np.zeros(len(self.highest), np.uint64)
        own = (self.starts, self.barred, self.bounds, self.highest, rest)
        self.tables = (*own, self.ranks, self.attained, self.following, self.supports)
        self._faces = _faces.on(self._cell, *own, self._found, self._proofs)
        self._bar = _bar.on(self._parts.found, self.barred)

    def __len__(self) -> int:
        return self._count

    def add(self, bound: float, positive: Bool[Array, " c"]) -> None:
        """A vector of this bound, which neurons with some of the columns bar."""
        word = self._count // _WORD
        if self._count == len(self.bounds):
            self.barred = grown(self.barred, 1)
            self.bounds, self.highest = grown(self.bounds), grown(self.highest)
            self.ranks = grown(self.ranks)
            self.attained = np.concatenate([self.attained, np.full_like(self.attained, -1)])
            self._bind()
        self._parts.having(positive)
        self._bar(self._count)
        self.bounds[self._count] = bound
        self.highest[word] = max(self.highest[word], bound)
        self._count += 1

    def attain(self, number: int, support: Sequence[int]) -> int:
        """Let a vector be optimal for a minimum on this support; the number of the minimum."""
        if self._minima == len(self.following):
            self.following = np.concatenate([self.following, np.full_like(self.following, -1)])
            self.supports = grown(self.supports)
            self._bind()
        for column in support:
            self.supports[self._minima, column // _WORD] |= uint64(1 << column % _WORD)
        if number:
            first, last = self.attained[number]
            if first < 0:
                self.attained[number, 0] = self._minima
            else:
                self.following[last] = self._minima
            self.attained[number, 1] = self._minima
        self._minima += 1
        return self._minima - 1

    def faces(self, cell: Sequence[int]) -> tuple[Float64[Array, " f"], Int64[Array, " f"]]:
        """The best bounds of the faces of a cell, neuron by neuron, and the numbers of the
        vectors."""
        self._cell[:] = cell
        faces = self._faces(self.labelled)
        return self._found[:faces].copy(), self._proofs[:faces].copy()
