"""Spans that are calls of a model → :class:`observability.records.Calls`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from observability import errors
from observability.columns import ABSENT, Bools, Coded, Floats, Ints, Keys, Sparse, Text
from observability.grouping import group_texts
from observability.hashing import hashes_of
from observability.intake import anyvalue
from observability.records import REPORTED, UNKNOWN, Calls, unreported
from observability.settings import Dimension
from observability.spans import Spans
from observability.translate import answers, usage
from observability.translate.events import Told
from observability.translate.reader import Reader
from observability.translate.reported import Reported
from observability.vocabulary import fields, operations, providers, scopes, values

SERVICE_ATTRIBUTE = "service.name"
#: A day: no call takes so long.
_LONGEST_NS = 86_400 * 10**9
_NO_ERROR = frozenset({"none", "null", "false", "0", "200", "ok", "success"})
_TIERS = frozenset({"batch", "flex", "priority"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the content is kept, and which attributes calls are told apart by."""

    content: bool = False
    estimates: bool = False  # content of calls without usage
    dimensions: tuple[Dimension, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The attributes that hold the dimensions."""
        return frozenset(name for each in self.dimensions for name in each.attributes or (each.name,))


def calls(
    reader: Reader, rows: Ints, operation: Text, said: Mapping[int, Told], keys: Mapping[str, Keys], wanted: Wanted
) -> Calls:
    """The calls in ``rows`` of the reader's spans."""
    spans = reader.spans
    invocation = {row: found[0] for row, found in reader.objects("invocation").items()}
    reported = Reported(reader)
    for row, documents in reader.objects("usage_document").items():
        for document in documents:
            reported.fill(row, usage.from_document(document), zeros=True)
    request_model = _asked(reader, invocation)
    response_model = reader.texts("response_model")
    answer, response_id = reader.identifiers("response_id")
    streaming = _streaming(reader, invocation, said, reported.whole("time_to_first_token"))
    lacking = rows[_lacks(rows, answer, response_model, reported)]
    if len(lacking):
        response_model, said_ids = _from_answers(reader, lacking, reported, answer, response_model, streaming)
        if said_ids:
            response_id = response_id.changed(said_ids)
            answer[list(said_ids)] = hashes_of(pa.array(list(said_ids.values()), pa.binary()))
    failed, error_type = _errors(reader, rows, said)
    first_token = _time_to_first_token(reader, rows, said, reported.whole("time_to_first_token"))
    request_model, response_model = request_model.take(rows), response_model.take(rows)
    if (nameless := ~request_model.present & ~response_model.present).any():
        request_model = request_model.filled(_named(spans.name.take(rows)).where(nameless, Text.absent(len(rows))))
    streams = streaming[rows]
    first_token = np.where(streams == 0, np.nan, first_token[rows])
    model = response_model.filled(request_model).filled(Text.constant(UNKNOWN, len(rows)))
    provider = _provider(reader, rows, model)
    if any("/" in value for value in model.values):
        request_model, response_model = (_unrouted(column, provider) for column in (request_model, response_model))
        model = response_model.filled(request_model).filled(Text.constant(UNKNOWN, len(rows)))
    table = usage.table(reported.take(rows), len(rows), _counts_cache_apart(provider, model))
    no_exchange = failed | operation.take(rows).equals("embeddings")
    content_in, content_out, exchange = _content(reader, rows, table, failed, no_exchange, said, wanted)
    return Calls(
        key=keys["key"][rows],
        parent=keys["parent"][rows],
        trace=keys["trace"][rows],
        scope=spans.scope.take(rows),
        near_wire=np.asarray(reader.texts("http_status").take(rows).present | _is_sdk(spans.scope.take(rows))),
        service=service(spans).take(rows),
        provider=provider,
        model=model,
        request_model=request_model,
        response_model=response_model,
        operation=operation.take(rows),
        error_type=error_type,
        trace_id=spans.trace_id[rows],
        span_id=spans.span_id[rows],
        start_ns=_started(reader)[rows],
        end_ns=spans.end_ns[rows],
        usage=table,
        estimated=np.zeros(len(rows), np.bool_),
        reported_cost=_costs(reader, reported, rows),
        service_tier=_tier(reader.texts("service_tier").take(rows)),
        time_to_first_token=first_token,
        streaming=np.asarray((streams == 1) | ((streams < 0) & ~np.isnan(first_token))),
        answer=answer.take(rows),
        response_id=response_id.take(rows),
        input=content_in,
        output=content_out,
        prompt=_prompt(reader).take(rows),
        exchange=exchange,
        dimensions={each.name: dimension(reader, each).take(rows) for each in wanted.dimensions},
    )


def service(spans: Spans) -> Text:
    """``service.name`` of the resource of each span."""
    return spans.resource.map(
        [values.text(each.attributes.get(SERVICE_ATTRIBUTE)) or UNKNOWN for each in spans.resource.values], UNKNOWN
    )


def dimension(reader: Reader, of: Dimension) -> Text:
    """The value of a dimension: of a span's attribute, else of its resource's, else what its service stands for."""
    names = of.attributes or (of.name,)
    column = Text.absent(len(reader.spans))
    for name in names:
        column = column.filled(reader.named(name))
    resources = reader.spans.resource
    said = [
        next((found for name in names if (found := values.text(each.attributes.get(name)))), None)
        or of.services.get(values.text(each.attributes.get(SERVICE_ATTRIBUTE)) or UNKNOWN)
        for each in resources.values
    ]
    return column.filled(resources.map(said))


def _asked(reader: Reader, invocation: Mapping[int, Mapping[str, Any]]) -> Text:
    column = reader.texts("request_model")
    if invocation:
        models = [values.text(invocation.get(row, {}).get("model")) for row in range(len(reader.spans))]
        column = column.filled(Text.of(models))
    return column


def _lacks(rows: Ints, answer: Keys, response_model: Text, reported: Reported) -> Bools:
    """Which of ``rows`` leave open what the document of the answer may say."""
    unsaid = reported.missing("input") & reported.missing("output")
    return np.asarray(((answer == 0) | ~response_model.present | unsaid)[rows])


def _from_answers(
    reader: Reader,
    rows: Ints,
    reported: Reported,
    answer: Keys,
    response_model: Text,
    streaming: Ints,
) -> tuple[Text, dict[int, bytes]]:
    """Fill the gaps of ``rows`` from the provider's answer, where a span has it as a document; returns the models, and
    the response ids that only it has.
    """
    identities: dict[int, bytes] = {}
    models: list[str | None] = [None] * len(reader.spans)
    for row, document in reader.anything("output_messages", rows):
        read = answers.read(document)
        models[row] = read.model
        if answer[row] == 0 and read.response_id is not None:
            identities[row] = anyvalue.serialised(read.response_id)
        reported.fill(row, read.usage)
        if read.streamed and streaming[row] < 0:
            streaming[row] = 1
    if any(streaming[rows] < 0):
        for row, document in reader.anything("input_messages", rows[streaming[rows] < 0]):
            found = values.mapping(document)
            if found is not None and found.get("stream") is True:
                streaming[row] = 1
    return response_model.filled(Text.of(models)) if any(models) else response_model, identities


def _streaming(
    reader: Reader, invocation: Mapping[int, Mapping[str, Any]], said: Mapping[int, Told], first_token: Floats
) -> Ints:
    """1 streamed, 0 not, -1 unknown: what a span says of itself goes before what its events tell."""
    column = reader.flags("streaming")
    for row, parameters in invocation.items():
        stream = values.boolean(parameters.get("stream"))
        if column[row] < 0 and stream is not None:
            column[row] = int(stream)
    for row, told in said.items():
        if column[row] < 0 and told.first_token_ns is not None:
            column[row] = 1
    if "span_type" in reader:
        column = np.where((column < 0) & reader.texts("span_type").equals(operations.LOG), 1, column)
    return np.where((column < 0) & ~np.isnan(first_token), 1, column)


def _time_to_first_token(reader: Reader, rows: Ints, said: Mapping[int, Told], reported: Floats) -> Floats:
    column = reported.copy()
    for row, told in said.items():
        if np.isnan(column[row]) and told.first_token_ns is not None:
            column[row] = _since_start(reader.spans, row, told.first_token_ns)
    if "first_answer_at" in reader:
        for row, value in reader.anything("first_answer_at", rows):
            moment = values.moment_ns(value)
            if np.isnan(column[row]) and moment is not None:
                column[row] = _since_start(reader.spans, row, moment)
    return column


def _since_start(spans: Spans, row: int, moment_ns: int) -> float:
    """Seconds from the start of a span to a moment after it (after its end too: some end before they are streamed);
    NaN for one that cannot be meant.
    """
    passed = moment_ns - int(spans.start_ns[row])
    return passed / 1e9 if 0 <= passed < _LONGEST_NS else float("nan")


def _errors(reader: Reader, rows: Ints, said: Mapping[int, Told]) -> tuple[Bools, Text]:
    """Which of ``rows`` failed, and why (absent: they did not)."""
    spans = reader.spans
    bad_status = spans.status.which(lambda status: status.failed)
    kind = reader.texts("error_type")
    code = reader.texts("http_status")
    no_error = kind.which(lambda value: value.lower() in _NO_ERROR, absent=True)
    bad_code = code.which(_is_failure)
    failed = bad_status | ~no_error | bad_code
    for row, told in said.items():
        if told.exceptions:
            failed[row] = True
        elif told.abandoned and not bad_code[row]:
            failed[row] = False
    message = reader.texts("error_message")
    places = np.flatnonzero(failed[rows])
    found: list[str] = []
    for row in rows[places].tolist():
        exceptions = tuple(said[row].exceptions) if row in said else ()
        status = spans.status[row]
        found.append(
            _classify(
                (kind[row], *(name for name, _ in exceptions), code[row]),
                (*(text for _, text in exceptions), status.message if status else None, message[row]),
            )
        )
    reasons = Text.of(found)
    codes = np.full(len(rows), ABSENT, np.int32)
    codes[places] = reasons.codes
    return failed[rows], Coded(codes, reasons.values)


@lru_cache(maxsize=4096)
def _classify(kinds: tuple[str | None, ...], messages: tuple[str | None, ...]) -> str:
    return errors.classify(kinds, messages)


def _is_failure(status: str) -> bool:
    number = values.number(status)
    return number is not None and 400 <= number < 600


def _provider(reader: Reader, rows: Ints, model: Text) -> Text:
    """The first provider that a span names, else the one whose model it is."""
    said = Text.absent(len(reader.spans))
    for name in fields.TEXTS["provider"]:
        if isinstance(name, str):
            column = reader.named(name)
            if column.values:
                said = said.filled(column.map([providers.provider(value) for value in column.values]))
    guessed = model.map([providers.of_model(value) for value in model.values])
    return said.take(rows).filled(guessed).filled(Text.constant(UNKNOWN, len(rows)))


def _started(reader: Reader) -> Ints:
    """When each span began; a record that was written at the end of a call says how long that took."""
    start = reader.spans.start_ns
    if "span_type" not in reader:
        return start
    lasted = reader.numbers("log_duration")
    rows = reader.texts("span_type").equals(operations.LOG) & ~np.isnan(lasted)
    return np.where(rows, start - (np.where(rows, lasted, 0.0) * 1e9).astype(np.int64), start)


def _named(names: Text) -> Text:
    """The models that the names of spans say."""
    return names.map([operations.named(name)[1] for name in names.values])


def _unrouted(model: Text, provider: Text) -> Text:
    """Models without the prefix of a route to the ``provider`` that is known besides."""
    first, group = group_texts(model, provider)
    distinct = zip(model.take(first).to_list(), provider.take(first).to_list(), strict=True)
    column = Text.of([None if name is None else providers.unrouted(name, by or UNKNOWN) for name, by in distinct])
    return column.take(group)


def _counts_cache_apart(provider: Text, model: Text) -> Bools:
    """Which calls were made at a provider, or of a model, whose input does not include what the cache holds."""
    by = provider.which(lambda name: name in providers.CACHE_APART)
    of = model.which(lambda name: providers.of_model(name) in providers.CACHE_APART)
    return np.asarray(by | of)


def _is_sdk(scope: Text) -> Bools:
    return scope.which(scopes.is_provider_sdk)


def _tier(said: Text) -> Text:
    """The tiers that have prices of their own; the standard one is absent."""
    return said.map([value.lower() if value.lower() in _TIERS else None for value in said.values])


def _costs(reader: Reader, reported: Reported, rows: Ints) -> Floats:
    """Reported US dollars of ``rows``; a cost in another currency is none."""
    if not any(field in reader for field in ("cost_document", *(f"cost_{part}" for part in REPORTED))):
        return np.full((len(rows), len(REPORTED)), np.nan)
    table = np.stack([reported.whole(f"cost_{part}") for part in REPORTED], axis=1)
    for row, documents in reader.objects("cost_document").items():
        for place, part in enumerate(REPORTED):
            number = values.amount(documents[0].get(part))
            if np.isnan(table[row, place]) and number is not None:
                table[row, place] = number
    currency = reader.texts("currency")
    if currency.values:
        foreign = currency.which(lambda value: value.upper() != "USD")
        table[foreign] = np.nan
    return table.take(rows, axis=0)


def _prompt(reader: Reader) -> Text:
    """``name@version`` of the prompt that a span says it was made from."""
    name = reader.texts("prompt_name")
    if not name.values:
        return name
    version = reader.texts("prompt_version")
    first, group = group_texts(name, version)
    pairs = zip(name.take(first).to_list(), version.take(first).to_list(), strict=True)
    return Text.of([f"{one}@{other}" if one and other else one for one, other in pairs]).take(group)


def _content(
    reader: Reader,
    rows: Ints,
    table: Ints,
    failed: Bools,
    no_exchange: Bools,
    said: Mapping[int, Told],
    wanted: Wanted,
) -> tuple[Sparse, Sparse, Sparse]:
    """Prompts and answers of the calls whose content is wanted, and both of those that were sampled."""
    if wanted.content:
        kept = np.ones(len(rows), np.bool_)
    elif wanted.estimates:
        kept = ~failed & unreported(table)
    else:
        kept = np.zeros(len(rows), np.bool_)
    sampled = reader.spans.sampled[rows] & ~no_exchange
    given, answered = _read_content(reader, rows, kept | sampled, said)
    exchange = Sparse(len(rows))
    for row in np.flatnonzero(sampled).tolist():
        pair = (given[row], answered[row])
        if pair != (None, None):
            exchange.values[row] = pair
        if not kept[row]:
            given.values.pop(row, None)
            answered.values.pop(row, None)
    return given, answered, exchange


def _read_content(reader: Reader, rows: Ints, chosen: Bools, said: Mapping[int, Told]) -> tuple[Sparse, Sparse]:
    """What was asked and answered in those of ``rows`` that are ``chosen``."""
    found = (Sparse(len(rows)), Sparse(len(rows)))
    if not chosen.any():
        return found
    place = {int(row): index for index, row in enumerate(rows.tolist())}
    picked = rows[chosen]
    for column, field, events in zip(found, ("input_messages", "output_messages"), ("input", "output"), strict=True):
        for row, value in reader.anything(field, picked):
            column.values[place[row]] = values.content(value)
        for row, elements in reader.listed(field, picked).items():
            if column[place[row]] is None:
                column.values[place[row]] = [_message(elements[index]) for index in sorted(elements)]
        for row, told in said.items():
            spoken = getattr(told, events)
            if spoken and row in place and chosen[place[row]] and column[place[row]] is None:
                column.values[place[row]] = spoken
    return found


def _message(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """A flattened message: ``{"message.role": …, "message.content": …}`` → ``{"role": …, "content": …}``."""
    return {leaf.removeprefix("message."): value for leaf, value in leaves.items()}
