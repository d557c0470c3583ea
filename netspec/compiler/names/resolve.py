"""Binds names: every name of the tree gets its meaning, every argument its option.

Input: a `tree.File`. Output: a `Resolution`. Everything that can be checked without knowing a shape is checked
here (NS2xx): unknown names, misspelled options, missing arguments, cycles, what is never used. Nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Sequence

from netspec.compiler.elaborate.operators import COMPARISONS
from netspec.compiler.errors.names import DefinedTwice, UnknownName
from netspec.compiler.names.arguments import ArgumentMatcher, Callee
from netspec.compiler.names.cycles import Edges, check_cycles, cycle, warn_unused
from netspec.compiler.names.hints.advice import advise_name
from netspec.compiler.names.hints.tables import BATCH_WORDS
from netspec.compiler.names.imports import UseReader, bring_missing, bring_names, warn_unused_uses
from netspec.compiler.names.resolution import Resolution
from netspec.compiler.names.scope import Name, Scope, find_word, is_comment, is_foreign, is_layer_word, is_size_name
from netspec.compiler.names.sections import bind_section
from netspec.compiler.names.statements import (
    FlowingParameters,
    advise_again,
    bare_condition,
    called_layer,
    check_body,
    check_unit,
    not_callable,
    unknown_attribute,
)
from netspec.compiler.syntax import tree
from netspec.language.corrections import nearest
from netspec.language.diagnostics import Note, Problems
from netspec.language.shape import ATTRIBUTES, Dim
from netspec.language.source import Source, Span
from netspec.language.values import Symbol
from netspec.language.vocabulary import choice_names, words
from netspec.language.word import Kind

MAX_SUGGESTIONS = 100
"""The number of unknown names for which suggestions are searched; more would take long."""

NETWORKS = tree.ExpressionStatement | tree.Output
"""Statements that define the network."""


def resolve_file(file: tree.File, read_use: UseReader, problems: Problems) -> Resolution:
    """Bind every name of a file and of the files that it uses."""
    resolver = _Resolver(read_use, problems)
    resolution = Resolution(file, Scope(file))
    resolver.resolution = resolution
    resolver.file(file, resolution.scope, is_main=True)
    resolution.has_cycle = check_cycles(resolver.edges, problems)
    has_network = any(isinstance(s, NETWORKS) for s in file.statements)
    warn_unused(resolution.defined, problems, has_network=has_network)
    if has_network:
        warn_unused_uses(resolver.brought, resolver.used, problems)
    return resolution


class _Resolver:
    def __init__(self, read_use: UseReader, problems: Problems) -> None:
        self.read_use = read_use
        self.problems = problems
        self.resolution: Resolution
        self.owner: Name | None = None
        self.edges: Edges = {}
        self.unknown = 0
        self.scopes: dict[tuple[str, str], Scope] = {}
        self.open_files: list[Source] = []
        self.open_uses: list[Span] = []
        self.sizes: set[str] = set()
        """Upper-case names of sizes in the inputs; they are allowed wherever a number is."""
        self.brought: list[tuple[tree.Use, dict[Name, Span]]] = []  # by the main file
        self.used: set[Name] = set()  # by the main file
        self.changed: set[Name] = set()  # that a later statement defines again by themselves
        self.define: tree.Define | None = None  # whose body is bound
        self.flowing = FlowingParameters(problems)
        self.is_rewritten = False  # the statement, by the message about such a name

    # ------------------------------------------------------------ files and statements

    def file(self, file: tree.File, scope: Scope, *, is_main: bool) -> None:
        """Declare every name of a file, then bind the names that its statements use."""
        self.open_files.append(file.source)
        self.resolution.files.append(file)
        for statement in file.statements:
            self._declare(statement, scope, is_main)
        for statement in file.statements:
            self._statement(statement, scope, is_main)
        for name in file.mentioned & scope.names.keys():
            self._mark_used(scope.names[name])
        if not is_main and any(isinstance(s, NETWORKS) for s in file.statements):
            for symbol in scope.names.values():  # its own network, which is left out here, may use them
                symbol.uses += 1
        self.open_files.pop()

    def _declare(self, statement: tree.Statement, scope: Scope, is_main: bool) -> None:
        match statement:
            case tree.Use():
                self._use(statement, scope)
            case tree.Param() | tree.Assign() | tree.Share():
                nouns = {tree.Param: "param", tree.Assign: "name", tree.Share: "shared layer"}
                noun, value = nouns[type(statement)], statement.value
                symbol = self._define(scope, statement.name, noun, expression=value, statement=statement)
                if isinstance(statement, tree.Param) and is_main:
                    self.resolution.params.append(symbol)
            case tree.Output(name=name, value=value) if is_main:
                self._define(scope, name, "output", expression=value, statement=statement).uses = 1
            case tree.InputDeclaration(name=name):
                if is_main:
                    self.resolution.inputs.append(statement)
                if name is not None:
                    self._define(scope, name, "input", statement=statement)
            case tree.Define():
                self._define(scope, statement.name, "definition", define=statement)

    def _define(
        self,
        scope: Scope,
        name: tree.Name,
        what: str,
        *,
        expression: tree.Expression | None = None,
        define: tree.Define | None = None,
        statement: tree.Statement | None = None,
    ) -> Name:
        symbol = Name(name.name, what, name.span, scope, expression, define)
        if statement is not None:
            self.resolution.names_of_statements[id(statement)] = symbol
        if (previous := scope.names.get(name.name)) is not None:
            if previous.what == "parameter" and self.define is not None and self.flowing.has(self.define, name.name):
                return symbol
            note = Note(previous.span, "first defined here")
            advice = advise_again(self.define.body if self.define is not None else scope.file.statements, name.name)
            if previous not in self.changed and name.name not in scope.file.broken:  # else the first one is not known
                case = "chain" if advice else ""
                self.problems.add(DefinedTwice(span=name.span, notes=(note,), case=case, name=name.name, advice=advice))
            if advice:
                self.changed.add(previous)
            return symbol
        if what not in ("parameter", "input", "output") and is_layer_word(name.name):
            self.problems.add(DefinedTwice(span=name.span, case="layer", name=name.name))
            symbol.hides_layer = True
        scope.names[name.name] = symbol
        symbol.uses += name.name in scope.early
        self.resolution.defined.append(symbol)
        return symbol

    def _statement(self, statement: tree.Statement, scope: Scope, is_main: bool) -> None:
        name = None if isinstance(statement, tree.Section) else getattr(statement, "name", None)
        previous, self.owner = self.owner, scope.names.get(name.name) if isinstance(name, tree.Name) else None
        if self.owner is not None and isinstance(name, tree.Name) and self.owner.span != name.span:
            self.owner = None  # it is defined twice
        self.is_rewritten = isinstance(name, tree.Name) and scope.names.get(name.name) in self.changed
        match statement:
            case tree.Output() if not is_main:
                pass
            case tree.Define():
                self._definition(statement, scope)
            case tree.InputDeclaration(shape=shape) if is_main:
                self._shape(shape, scope)
            case tree.Binding(value=value):
                self.expression(value, scope)
            case tree.ExpressionStatement(value=value) if is_main:
                self.expression(value, scope)
            case tree.Section() if is_main:
                bind_section(statement, scope, self.resolution, self.problems, self.expression)
        self.owner = previous

    def _definition(self, define: tree.Define, scope: Scope) -> None:
        owner = scope.names.get(define.name.name)
        later = [*(define.parameters or ()), *(s for s in define.body if isinstance(s, tree.Assign | tree.Share))]
        inner = Scope(scope.file, scope, later=frozenset(item.name.name for item in later))
        parameters = []
        for parameter in define.parameters or ():
            if parameter.default is not None:
                self.expression(parameter.default, inner)
            parameters.append(self._define(inner, parameter.name, "parameter"))
            parameters[-1].default = parameter.default
        if owner is not None and owner.define is define:
            owner.parameters = tuple(parameters)
        self.define = define
        for statement in define.body:
            if isinstance(statement, tree.Assign | tree.Share | tree.ExpressionStatement):
                self.expression(statement.value, inner)
                self._declare(statement, inner, is_main=False)
        self.define = None
        check_body(define, inner, self.problems)

    def _shape(self, shape: tree.Expression, scope: Scope) -> None:
        """Upper-case names and `_` of an input are sizes; other names are ordinary values."""
        if isinstance(shape, tree.TokenShape):
            self._arguments(shape, Callee.of_word(words("shape")[shape.word]), shape.arguments, shape.span, scope)
            if shape.length is not None:
                self._shape(shape.length, scope)
            return
        for item in shape.items if isinstance(shape, tree.TupleLiteral) else (shape,):
            is_free_name = isinstance(item, tree.Name) and scope.find(item.name) is None
            if is_free_name and item.span.text.lower() in BATCH_WORDS:
                self.problems.add(UnknownName(span=item.span, case="size", name=item.span.text))
            elif is_free_name and is_size_name(item.span.text):
                self.sizes.add(item.span.text)
            else:
                self.expression(item, scope)

    # ------------------------------------------------------------ use

    def _use(self, use: tree.Use, scope: Scope) -> None:
        file = self.read_use(use, scope.file.source, self.problems)
        identities = [source.identity for source in self.open_files]
        is_cycle = file is not None and file.source.identity in identities
        if file is not None and is_cycle:
            first = identities.index(file.source.identity)
            names = [f'"{self.read_use.key(source)}"' for source in (*self.open_files[first:], file.source)]
            self.problems.add(cycle(names, [*self.open_uses[first:], use.span], "file"))
        if file is None or is_cycle:
            bring_missing(use, scope)
            return
        key = (file.source.identity, file.source.text)
        if key not in self.scopes:
            self.scopes[key] = Scope(file)
            self.open_uses.append(use.span)
            self.file(file, self.scopes[key], is_main=False)
            self.open_uses.pop()
        other = self.scopes[key]
        brought = bring_names(use, other, scope, self.problems)
        if len(self.open_files) == 1:
            self.brought.append((use, brought))
        for symbol in other.names.values():  # only the file that defines a block can find it unused
            symbol.uses += symbol.is_definition

    # ------------------------------------------------------------ expressions

    def expression(
        self, node: tree.Expression, scope: Scope, kind: Kind | None = None, *, is_free: bool = False
    ) -> None:
        """Bind the names of an expression. `kind` is what the place takes; `is_free` marks arguments of a `def`, where
        any word of any category is allowed."""
        match node:
            case tree.Name():
                self._name(node, scope, kind, is_free)
            case tree.Call():
                self._call(node, scope, kind)
            case tree.Group(inner=inner):
                self.expression(inner, scope, kind, is_free=is_free)
            case tree.Applied():
                self._mark_names(node, scope)
                if not self.is_rewritten:
                    self.problems.add(called_layer(node, [*scope.visible()]))
            case tree.IfElse():
                self.expression(node.condition, scope)
                for branch in (node.then, node.otherwise):
                    self.expression(branch, scope, kind, is_free=is_free)
            case tree.Chain(items=items) | tree.ListLiteral(items=items):
                takes_words = isinstance(node, tree.ListLiteral) or (kind is not None and kind.is_chain)
                for item in items:
                    self.expression(item, scope, kind if takes_words else None)
            case tree.Binary(operator="//", left=left, right=tree.Name() as right) if is_comment(
                right, scope, self.sizes
            ):
                self.expression(left, scope)
                self.problems.add(UnknownName(span=right.span, case="comment", name=right.name))
            case tree.Attribute(base=base, name=name) if is_foreign(node, scope, self.sizes):
                self._unknown(node, scope, kind)
            case tree.Attribute(base=base, name=name):
                self.expression(base, scope)
                if name.name not in ATTRIBUTES:
                    self.problems.add(unknown_attribute(base, name))
            case tree.Binary(operator=operator) if (
                kind is not None and kind.category == "stop" and operator in COMPARISONS
            ):
                self.problems.add(bare_condition(node, kind))
            case tree.DurationLiteral():
                check_unit(node, kind, self.problems)
            case tree.Binary(left=left, right=right, operator="+") if kind is not None and kind.is_chain:
                self.expression(left, scope, kind)
                self.expression(right, scope, kind)
            case tree.Binary(left=left, right=right) if kind is not None and kind.compares:
                self.expression(left, scope, kind)
                self.expression(right, scope)
            case _:
                for child in node.children():
                    if isinstance(child, tree.Expression):
                        self.expression(child, scope)

    def _name(self, node: tree.Name, scope: Scope, kind: Kind | None, is_free: bool) -> None:
        symbol = scope.find(node.name)
        if symbol is not None:
            define = symbol.define
            if symbol.hides_layer or (define is not None and self.flowing.is_needed(symbol, define, ())):
                self._mark_used(symbol)
                return
            self._use_name(node, symbol)
            if define is not None:
                self._arguments(node, Callee.of_define(define), (), node.span, scope)
            return
        word = find_word(node.name, kind, is_free)
        if kind is not None and kind.takes_name(node.name):  # also where a layer has that name (`merge = add`)
            self.resolution.symbols[id(node)] = Symbol(node.name)
        elif word is not None:
            self.resolution.words[id(node)] = word
            self._arguments(node, Callee.of_word(word), (), node.span, scope)
        elif is_free and node.name in choice_names():
            self.resolution.symbols[id(node)] = Symbol(node.name)
        elif node.name in self.sizes and not self.open_uses:
            self.resolution.symbols[id(node)] = Dim.named(node.name)
        elif node.name != "classes" and node.name not in scope.file.broken:
            self._unknown(node, scope, kind)

    def _use_name(self, node: tree.Name, symbol: Name) -> None:
        self._mark_used(symbol)
        self.resolution.names[id(node)] = symbol
        if self.owner is not None:
            self.edges.setdefault(self.owner, []).append((symbol, node.span))

    def _mark_used(self, symbol: Name) -> None:
        symbol.uses += 1
        if len(self.open_files) == 1:
            self.used.add(symbol)

    def _unknown(
        self, node: tree.Expression, scope: Scope, kind: Kind | None, whole: tree.Expression | None = None
    ) -> str:
        """Report an unknown name, or names joined by dots, which begin the call `whole`; what to write instead."""
        self.unknown += 1
        visible = [*scope.visible(), *scope.file.broken] if self.unknown <= MAX_SUGGESTIONS else []
        unknown, meant = advise_name(node, kind, visible, whole)
        if meant is not None and (symbol := scope.find(meant)) is not None:
            self._mark_used(symbol)  # a misspelled name is used, too
        name = node.span.text
        if scope.is_incomplete and nearest(name, [*visible, *words("layer"), *words("activation")]) is None:
            return ""  # it may well be what a missing file would have brought
        if (root := scope.find(name.partition(".")[0])) is not None:  # `model.fit`
            self._mark_used(root)
        if name in scope.later:
            scope.early.add(name)
            unknown = UnknownName(span=node.span, case="early", name=name)
        self.problems.add(unknown)
        return unknown.advice

    def _call(self, node: tree.Call, scope: Scope, kind: Kind | None) -> None:
        function = node.function
        assert isinstance(function, tree.Name)
        symbol = scope.find(function.name)
        define = symbol.define if symbol is not None and not symbol.hides_layer else None
        if symbol is not None and define is not None and self.flowing.is_needed(symbol, define, node.arguments):
            self._mark_used(symbol)
            for argument in node.arguments:
                self.expression(argument.value, scope, is_free=True)
            return
        if symbol is not None and define is not None:
            self._use_name(function, symbol)
            callee = Callee.of_define(define)
        elif (word := find_word(function.name, kind, is_free=True)) is not None and (
            symbol is None or symbol.is_missing
        ):
            self.resolution.words[id(node)] = word
            callee = Callee.of_word(word)
        else:
            if symbol is not None and not symbol.is_missing:
                self._mark_used(symbol)
                if not symbol.hides_layer:
                    self.problems.add(not_callable(node, symbol))
            is_unknown = symbol is None and function.name not in scope.file.broken
            advice = self._unknown(function, scope, kind, node) if is_unknown else ""
            for argument in node.arguments:
                is_name = argument.name is not None and isinstance(argument.value, tree.Name)  # of an unknown option
                if is_name or advice.startswith(("write ", "declare ", "remove ")):  # the call is written again
                    self._mark_names(argument.value, scope)
                else:
                    self.expression(argument.value, scope, is_free=True)
            return
        self._arguments(node, callee, node.arguments, function.span, scope)

    def _arguments(
        self, node: tree.Node, callee: Callee, arguments: Sequence[tree.Argument], place: Span, scope: Scope
    ) -> None:
        """Bind the arguments of a call."""
        match = ArgumentMatcher(callee, arguments, place, self.problems, scope)
        self.resolution.arguments[id(node)], kinds = match.values, {slot.name: slot.kind for slot in callee.slots}
        for name, value in match.values.items():
            self.expression(value, scope, kinds[name], is_free=kinds[name] is None)
        for value in match.rejected:
            self.resolution.rejected.add(id(node))
            if value in match.explained:
                self._mark_names(value, scope)
            else:
                self.expression(value, scope, is_free=True)

    def _mark_names(self, node: tree.Node, scope: Scope) -> None:
        """Count the names in an expression as used; nothing in it is reported."""
        for child in (node, *node.children()):
            if isinstance(child, tree.Applied):
                self.problems.remove("NS101", child.place)
            if isinstance(child, tree.Name) and (symbol := scope.find(child.name)) is not None:
                self._mark_used(symbol)
            if child is not node:
                self._mark_names(child, scope)
