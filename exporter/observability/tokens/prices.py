"""What tokens cost by the price list of ``genai-prices``, which is imported on the first call only."""

from __future__ import annotations

from observability.tokens.models import bare_name


def cost(model: str, prompt_tokens: int, completion_tokens: int, cached_tokens: int) -> float | None:
    """US dollars at today's price; ``None`` if the model is not listed or lists no price for tokens that were used.

    ``prompt_tokens`` include ``cached_tokens``; where no cache price is listed these cost what other input costs.

    :raises ImportError: if ``genai-prices`` is not installed.
    """
    try:
        from genai_prices import Usage, calc_price
    except ImportError as error:
        raise ImportError("calculate_cost needs the price list: pip install genai-prices") from error
    usage = Usage(input_tokens=prompt_tokens, output_tokens=completion_tokens, cache_read_tokens=cached_tokens)
    for name in dict.fromkeys((model, bare_name(model))):
        try:
            found = calc_price(usage, model_ref=name)
        except LookupError:
            continue
        price = found.model_price
        unlisted = (prompt_tokens and price.input_mtok is None) or (completion_tokens and price.output_mtok is None)
        return None if unlisted else float(found.total_price)
    return None
