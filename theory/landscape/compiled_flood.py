"""The flood of `theory.landscape.flood` in compiled loops, where dual vectors bound faces.

It comes back for each face that has to be solved. Sorted by the same rules, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy import int64, uint64

from theory.landscape.bounds import FaceBounds
from theory.landscape.flood import Edge, Flood
from theory.landscape.kernel import best_of_face, bounds_of_faces, copy, grown
from theory.landscape.machine_code import compiled, routine
from theory.types import Array

if TYPE_CHECKING:
    from theory.landscape.cells import Cell, CellComplex

_AT_ONCE = 10_000  # steps between two looks at the clock
_ROOM = 1024

# What a flood comes back for.
_DONE, _LATER, _FULL, _FACE = range(4)

# What has been counted.
_CELLS, _EXPANDED, _FACES, _NODES, _EDGES, _FREE, _LEFT, _CELL, _POSITION, _MOVE, _LABELLED = range(
    11
)

_GROWING = {
    _CELLS: ("_cells", "_homes", "_below"),
    _EXPANDED: ("_spans",),
    _FACES: ("_faces",),
    _NODES: ("_nodes",),
    _EDGES: ("_edges",),
}

# Fragments: of which they are a part, and their cells, entries, first entry and unexpanded cells.
_PART, _SIZE, _ENTRIES, _FIRST, _TOP, _BOTTOM = range(6)

# Entries, in a pairing heap. What they are: faces of known minimum, a bound of faces, or of one.
_VALUE, _KIND, _SERIAL, _FACE_NUMBER, _AT, _WHAT, _CHILD, _NEXT = range(8)
_KNOWN, _SEVERAL, _ALONE = range(3)


@compiled
def _find(cell: Array, cells: Array, table: Array) -> int:
    """The place of a cell in the table, or where it may go."""
    code = uint64(0)
    for state in cell:
        code = (code ^ uint64(state)) * uint64(0x9E3779B97F4A7C15)
        code ^= code >> uint64(29)
    mask = len(table) - 1
    place = int64(code & uint64(mask))
    while table[place] >= 0:
        same = True
        for k in range(len(cell)):
            if cells[table[place], k] != cell[k]:
                same = False
                break
        if same:
            break
        place = (place + 1) & mask
    return place  # type: ignore[return-value]


@routine("i8[:, :]", "i8[:]")
def _enter(count: int, cells: Array, table: Array) -> int:
    """The first cells into a table."""
    for k in range(count):
        table[_find(cells[k], cells, table)] = k
    return 0


@compiled
def _target(
    cell: Array, face: int, starts: Array, targets: Array, labelled: int, found: Array
) -> tuple[int, int]:
    """Set the cell across a face, by its number; the neuron's place and the move's number."""
    width = len(cell)
    position = 0
    while True:
        state = cell[position]
        if labelled or position == 0 or cell[position - 1] != state:
            moves = starts[state + 1] - starts[state]
            if face < moves:
                break
            face -= moves
        position += 1
    state = targets[starts[cell[position]] + face]
    copy(found, cell, width)
    if labelled:
        found[position] = state
        return position, face
    place = position
    while place > 0 and found[place - 1] > state:
        found[place] = found[place - 1]
        place -= 1
    while place < width - 1 and found[place + 1] < state:
        found[place] = found[place + 1]
        place += 1
    found[place] = state
    return position, face


@compiled
def _home(fragments: Array, fragment: int) -> int:
    while fragments[fragment, _PART] != fragment:
        parent = fragments[fragment, _PART]
        fragments[fragment, _PART] = fragments[parent, _PART]
        fragment = fragments[fragment, _PART]
    return fragment


@compiled
def _before(first: Array, second: Array, keys: Array, ranks: Array) -> bool:
    """Whether an entry comes before another."""
    a, b = first[_VALUE], second[_VALUE]
    if a != b:
        if keys[a] != keys[b]:
            return keys[a] < keys[b]  # type: ignore[no-any-return]
        if ranks[a] != ranks[b]:
            return ranks[a] < ranks[b]  # type: ignore[no-any-return]
    known = first[_KIND] == _KNOWN
    if known != (second[_KIND] == _KNOWN):
        return known  # type: ignore[no-any-return]
    for k in (_SERIAL, _FACE_NUMBER):
        if first[k] != second[k]:
            return first[k] < second[k]  # type: ignore[no-any-return]
    return first[_AT] < second[_AT]  # type: ignore[no-any-return]


@compiled
def _meld(a: int, b: int, nodes: Array, keys: Array, ranks: Array) -> int:
    if a < 0 or b < 0:
        return max(a, b)
    if _before(nodes[b], nodes[a], keys, ranks):
        a, b = b, a
    nodes[b, _NEXT] = nodes[a, _CHILD]
    nodes[a, _CHILD] = b
    return a


@compiled
def _popped(root: int, nodes: Array, keys: Array, ranks: Array, counts: Array) -> int:
    """The heap without its first entry, whose place is free then."""
    pairs, child = -1, nodes[root, _CHILD]
    while child >= 0:
        other = nodes[child, _NEXT]
        nodes[child, _NEXT] = -1
        rest = -1
        if other >= 0:
            rest = nodes[other, _NEXT]
            nodes[other, _NEXT] = -1
        pair = _meld(child, other, nodes, keys, ranks)
        nodes[pair, _NEXT] = pairs
        pairs, child = pair, rest
    whole = -1
    while pairs >= 0:
        rest = nodes[pairs, _NEXT]
        nodes[pairs, _NEXT] = -1
        whole = _meld(whole, pairs, nodes, keys, ranks)
        pairs = rest
    nodes[root, _NEXT] = counts[_FREE]
    counts[_FREE] = root
    return whole


@compiled
def _push(
    fragment: Array,
    value: int,
    kind: int,
    serial: int,
    face: int,
    at: int,
    what: int,
    nodes: Array,
    keys: Array,
    ranks: Array,
    counts: Array,
) -> None:
    node = counts[_FREE]
    if node >= 0:
        counts[_FREE] = nodes[node, _NEXT]
    else:
        node = counts[_NODES]
        counts[_NODES] += 1
    new = nodes[node]
    new[_VALUE], new[_KIND], new[_SERIAL], new[_FACE_NUMBER] = value, kind, serial, face
    new[_AT], new[_WHAT], new[_CHILD], new[_NEXT] = at, what, -1, -1
    fragment[_FIRST] = _meld(fragment[_FIRST], node, nodes, keys, ranks)
    fragment[_ENTRIES] += 1


@compiled
def _attained(
    cell: Array,
    position: int,
    part: int,
    first: int,
    following: Array,
    supports: Array,
    columns: Array,
) -> int:
    """Of the minima of one dual vector the first that lies on a face; -1 where none does."""
    while first >= 0:
        inside = True
        for word in range(supports.shape[1]):
            rest = supports[first, word]
            if rest:
                rest &= ~columns[part, word]
                for other in range(len(cell)):
                    if other != position:
                        rest &= ~columns[cell[other], word]
                if rest:
                    inside = False
                    break
        if inside:
            return first
        first = following[first]
    return -1


@routine(
    *("i8[:]", "i8[:, :]", "i8[:]", "i8[:]", "i8[:]", "i8[:, :]", "i8[:, :]", "i8[:, :]"),
    *("i8[:, :]", "i8[:, :]", "i8[:]", "f8[:]", "i8[:]", "i8[:]", "u8[:, :]", "i8[:]"),
    *("u8[:, :]", "f8[:]", "f8[:]", "u8[:]", "i8[:]", "i8[:, :]", "i8[:]", "u8[:, :]"),
)
def _flow(
    steps: int,
    solved: int,
    value: int,
    counts: Array,
    cells: Array,
    table: Array,
    owner: Array,
    below: Array,
    fragments: Array,
    spans: Array,
    faces: Array,
    nodes: Array,
    edges: Array,
    target: Array,
    found: Array,
    proofs: Array,
    targets: Array,
    columns: Array,
    starts: Array,
    barred: Array,
    keys: Array,
    highest: Array,
    rest: Array,
    ranks: Array,
    attained: Array,
    following: Array,
    supports: Array,
) -> int:
    """Go on until one fragment is left, or for so many steps, or while there is room, or until a
    face has to be solved; `solved` and `value` are then its minimum and that one's dual vector."""
    states, labelled = len(starts) - 1, counts[_LABELLED]
    while counts[_LEFT] > 1:
        least, at_home = 1 << 62, -1
        for each in range(len(fragments)):
            if fragments[each, _PART] == each and fragments[each, _SIZE] < least:
                least, at_home = fragments[each, _SIZE], each
        fragment = fragments[at_home]
        while True:
            if steps <= 0:
                return _LATER
            steps -= 1
            if (
                counts[_CELLS] == len(cells)
                or counts[_EXPANDED] + 1 == len(spans)
                or counts[_FACES] + len(proofs) > len(faces)
                or counts[_NODES] + 2 > len(nodes)
                or counts[_EDGES] == len(edges)
            ):
                return _FULL
            place = fragment[_TOP]
            if place >= 0:
                fragment[_TOP] = below[place]
                number = bounds_of_faces(
                    labelled, cells[place], starts, barred, keys, highest, rest, found, proofs
                )
                serial, begin = counts[_EXPANDED], counts[_FACES]
                for face in range(number):
                    at = face
                    while at > 0 and found[faces[begin + at - 1, 0]] > found[face]:
                        copy(faces[begin + at], faces[begin + at - 1], 2)
                        at -= 1
                    faces[begin + at, 0] = face
                    faces[begin + at, 1] = proofs[face]
                counts[_EXPANDED] += 1
                counts[_FACES] += number
                spans[serial, 0], spans[serial, 1] = place, begin
                spans[serial + 1, 1] = counts[_FACES]
                proof = faces[begin, 1]
                _push(
                    fragment,
                    proof,
                    _SEVERAL,
                    serial,
                    faces[begin, 0],
                    0,
                    proof,
                    nodes,
                    keys,
                    ranks,
                    counts,
                )
                continue
            first = nodes[fragment[_FIRST]]
            serial = first[_SERIAL]
            cell = cells[spans[serial, 0]]
            if first[_KIND] == _KNOWN:
                break
            begin, end = spans[serial, 1], spans[serial + 1, 1]
            face, at, kind, known = first[_FACE_NUMBER], first[_AT], first[_KIND], first[_VALUE]
            position, move = 0, 0
            if kind == _ALONE:
                position, move = _target(cell, face, starts, targets, labelled, target)
                place = table[_find(target, cells, table)]
                inside = place >= 0 and _home(fragments, owner[place]) == at_home
            else:
                inside = True
                while inside and begin + at < end:
                    face = faces[begin + at, 0]
                    position, move = _target(cell, face, starts, targets, labelled, target)
                    place = table[_find(target, cells, table)]
                    inside = place >= 0 and _home(fragments, owner[place]) == at_home
                    at += inside
            if inside or at > first[_AT]:
                root = fragment[_FIRST]
                fragment[_FIRST] = _popped(root, nodes, keys, ranks, counts)
                fragment[_ENTRIES] -= 1
                if not inside:
                    proof = faces[begin + at, 1]
                    _push(
                        fragment,
                        proof,
                        _SEVERAL,
                        serial,
                        face,
                        at,
                        proof,
                        nodes,
                        keys,
                        ranks,
                        counts,
                    )
                continue
            minimum, part = solved, states + starts[cell[position]] + move
            if minimum < 0:
                value = best_of_face(cell, position, part, barred, keys, highest)
                higher = keys[value] > keys[known] or (
                    keys[value] == keys[known] and ranks[value] > ranks[known]
                )
                if not higher:
                    minimum = _attained(
                        cell, position, part, attained[value, 0], following, supports, columns
                    )
                    if minimum < 0:
                        counts[_CELL], counts[_POSITION] = spans[serial, 0], position
                        counts[_MOVE] = move
                        return _FACE
            solved = -1
            fragment[_FIRST] = _popped(fragment[_FIRST], nodes, keys, ranks, counts)
            fragment[_ENTRIES] -= 1
            if kind == _SEVERAL and begin + at + 1 < end:
                proof = faces[begin + at + 1, 1]
                _push(
                    fragment,
                    proof,
                    _SEVERAL,
                    serial,
                    faces[begin + at + 1, 0],
                    at + 1,
                    proof,
                    nodes,
                    keys,
                    ranks,
                    counts,
                )
            new, what = (_ALONE, value) if minimum < 0 else (_KNOWN, minimum)
            _push(fragment, value, new, serial, face, 0, what, nodes, keys, ranks, counts)
        # The lowest face is known: across it.
        face, what = first[_FACE_NUMBER], first[_WHAT]
        position, move = _target(cell, face, starts, targets, labelled, target)
        fragment[_FIRST] = _popped(fragment[_FIRST], nodes, keys, ranks, counts)
        fragment[_ENTRIES] -= 1
        place = _find(target, cells, table)
        other = -1
        if table[place] < 0:
            new = counts[_CELLS]
            counts[_CELLS] += 1
            copy(cells[new], target, len(target))
            table[place], owner[new] = new, at_home
            fragment[_SIZE] += 1
            below[new] = fragment[_TOP]
            if fragment[_TOP] < 0:
                fragment[_BOTTOM] = new
            fragment[_TOP] = new
        else:
            other = _home(fragments, owner[table[place]])
            if other == at_home:
                continue
        edge = edges[counts[_EDGES]]
        counts[_EDGES] += 1
        edge[0], edge[1], edge[2], edge[3] = spans[serial, 0], position, move, table[place]
        edge[4] = what
        if other >= 0:
            second = fragments[other]
            if fragment[_ENTRIES] + fragment[_SIZE] < second[_ENTRIES] + second[_SIZE]:
                fragment, second = second, fragment
                at_home, other = other, at_home
            second[_PART] = at_home
            fragment[_SIZE] += second[_SIZE]
            fragment[_ENTRIES] += second[_ENTRIES]
            fragment[_FIRST] = _meld(fragment[_FIRST], second[_FIRST], nodes, keys, ranks)
            if second[_TOP] >= 0:
                below[second[_BOTTOM]] = fragment[_TOP]
                if fragment[_TOP] < 0:
                    fragment[_BOTTOM] = second[_BOTTOM]
                fragment[_TOP] = second[_TOP]
            counts[_LEFT] -= 1
    return _DONE


class CompiledFlood(Flood):
    """Where a pool of dual vectors bounds the faces."""

    def __init__(
        self, complex_: CellComplex, groups: Sequence[Sequence[Cell]], links: Iterable[Edge] = ()
    ) -> None:
        super().__init__(complex_, groups, links)
        bounds = complex_.bounds
        assert isinstance(bounds, FaceBounds)
        self._bounds = bounds
        cells = [cell for group in groups for cell in group]
        self._places = {cell: place for place, cell in enumerate(cells)}
        self._taken = 0  # edges that are in the forest
        size, room, width = len(cells), max(_ROOM, 2 * len(cells)), complex_.width
        self._counts = np.zeros(11, int64)
        self._counts[[_CELLS, _LEFT, _FREE]] = size, len(groups), -1
        self._counts[_LABELLED] = complex_.labelled
        self._cells = np.zeros((room, width), int64)
        self._cells[:size] = cells
        self._homes = np.zeros(room, int64)
        self._homes[:size] = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
        self._below = np.arange(-1, room - 1)
        self._fragments = np.zeros((len(groups), 6), int64)
        ends = np.cumsum([len(group) for group in groups])
        for number, (end, group) in enumerate(zip(ends.tolist(), groups, strict=True)):
            self._below[end - len(group)] = -1
            self._fragments[number] = number, len(group), 0, -1, end - 1, end - len(group)
        targets = [move.target for s in range(complex_.states) for move in complex_.moves(s)]
        self._targets = np.array(targets, int64)
        faces = bounds.pool.most
        self._memory = (np.zeros(width, int64), np.zeros(faces), np.zeros(faces, int64))
        self._spans = np.zeros((room, 2), int64)
        self._faces = np.zeros((room + faces, 2), int64)
        self._nodes = np.zeros((room, 8), int64)
        self._edges = np.zeros((room, 5), int64)
        self._bind()

    def _bind(self) -> None:
        """All cells into a table with room for more, and tell the routine where all of it is."""
        table = np.full(1 << (2 * len(self._cells)).bit_length(), -1)
        _enter.on(self._cells, table)(int(self._counts[_CELLS]))
        pool = self._bounds.pool
        self._tables = pool.tables
        self._flow = _flow.on(
            self._counts,
            self._cells,
            table,
            self._homes,
            self._below,
            self._fragments,
            self._spans,
            self._faces,
            self._nodes,
            self._edges,
            *self._memory,
            self._targets,
            pool.columns,
            *self._tables,
        )

    def run(self, tick: Callable[[int], None] = lambda cells: None) -> None:
        """Merge all fragments into one; `tick` is told the number of cells and may raise."""
        number, solved = 0, -1
        try:
            while (status := self._flow(_AT_ONCE, solved, number)) != _DONE:
                if status == _FULL:  # which comes before what was solved is used
                    self._grow()
                    continue
                number, solved = 0, -1
                tick(int(self._counts[_CELLS]))
                if status == _FACE:
                    number, solved = self._solved()
        finally:
            self._take()

    def _grow(self) -> None:
        """Twice the room for what has little."""
        for count, names in _GROWING.items():
            for name in names:
                array = getattr(self, name)
                if 2 * self._counts[count] >= len(array):
                    setattr(self, name, grown(array))
        self._bind()

    def _solved(self) -> tuple[int, int]:
        """The face that the flood came back for: of its minimum the dual vector, and its number."""
        place, position, number = self._counts[[_CELL, _POSITION, _MOVE]].tolist()
        cell = tuple(self._cells[place].tolist())
        move = self.complex.moves(cell[position])[number]
        minimum = self.complex.face_minimum(cell, position, move)
        added = self._bounds.add(self.complex.domain.dual(minimum))
        if self._tables is not self._bounds.pool.tables:
            self._bind()
        return added

    def _take(self) -> None:
        """New edges into the forest."""
        count = int(self._counts[_EDGES])
        for start, position, number, end, minimum in self._edges[self._taken : count].tolist():
            cell, target = (tuple(self._cells[place].tolist()) for place in (start, end))
            move = self.complex.moves(cell[position])[number]
            self._join(Edge(cell, position, move, target, self._bounds.minima[minimum]))
        self._taken = count

    def floor(self, cell: Cell) -> Fraction | None:
        """The value below which no path leaves the fragment of `cell`, if known."""
        home = _home(self._fragments, int(self._homes[self._places[cell]]))
        first, top = self._fragments[home, [_FIRST, _TOP]].tolist()
        if top >= 0 or first < 0:
            return None
        return self._bounds.order(int(self._nodes[first, _VALUE]))[1]
