"""The encoder-decoders: their tiny configs, and what they are given."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tests.models.parity import Case

SIZES = {
    "vocab_size": 61,
    "d_model": 48,
    "encoder_layers": 3,
    "encoder_attention_heads": 6,
    "encoder_ffn_dim": 80,
    "decoder_layers": 2,
    "decoder_attention_heads": 4,
    "decoder_ffn_dim": 72,
    "max_position_embeddings": 64,
}
OTHER_SIZES = {
    "scale_embedding": True,
    "activation_function": "relu",
    "tie_word_embeddings": False,
    "decoder_start_token_id": 5,
    "pad_token_id": 3,
    "num_labels": 4,
}

CASES = (
    Case("bart", "Bart", "plain", {}, SIZES),
    Case("bart", "Bart", "everything", OTHER_SIZES, SIZES),
    Case("mbart", "MBart", "plain", {}, SIZES),
    Case("mbart", "MBart", "everything", OTHER_SIZES, SIZES),
)
MODELS = tuple({case.model: case for case in reversed(CASES)}.values())
"""The first case of each model, for what does not depend on the variant."""

HEADS = (
    "Model",
    "ForConditionalGeneration",
    "ForQuestionAnswering",
    "ForSequenceClassification",
)


def pair(
    case: Case, head: str, attention: str | None = None, dtype: torch.dtype = torch.float32
) -> tuple[PreTrainedModel, PreTrainedModel]:
    """Our model and the reference's with the same weights, the logits' bias among them off zero."""
    own, reference = case.pair(head, attention, dtype)
    if head == "ForConditionalGeneration":
        generator = torch.Generator().manual_seed(3)
        bias = torch.randn(reference.final_logits_bias.shape, generator=generator, dtype=dtype)
        reference.final_logits_bias.copy_(bias)
        own.load_state_dict(reference.state_dict(), strict=True)
    return own, reference


def _tokens(case: Case, shape: tuple[int, int], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(6, case.sizes["vocab_size"], shape, generator=generator)


def source(case: Case, *, padded: bool) -> dict[str, Tensor]:
    """Random sequences to read; if padded, on the right, by another length in each row.

    The token that ends a sequence stands at its end, and once before.
    """
    input_ids = _tokens(case, (3, 19), 13)
    lengths = 19 - 3 * torch.arange(3)[:, None] * padded
    config = case.configs()[1]
    for column in (4, lengths - 1):
        input_ids[torch.arange(3)[:, None], column] = config.eos_token_id
    if not padded:
        return {"input_ids": input_ids}
    mask = (torch.arange(19) < lengths).long()
    pad = config.pad_token_id
    return {"input_ids": input_ids.masked_fill(mask == 0, pad), "attention_mask": mask}


def target(case: Case, *, padded: bool) -> dict[str, Tensor]:
    """Random sequences to write; if padded, on the left, as those that are generated may be."""
    input_ids = _tokens(case, (3, 13), 17)
    if not padded:
        return {"decoder_input_ids": input_ids}
    mask = (torch.arange(13) >= 2 * torch.arange(2, -1, -1)[:, None]).long()
    pad = case.configs()[1].pad_token_id
    return {
        "decoder_input_ids": input_ids.masked_fill(mask == 0, pad),
        "decoder_attention_mask": mask,
    }


def answers(case: Case, head: str) -> dict[str, Tensor]:
    """What the head is to predict; some of it is not to be scored."""
    rows = torch.arange(3)
    match head:
        case "ForConditionalGeneration":
            return {"labels": labels(case)}
        case "ForQuestionAnswering":
            return {"start_positions": rows + 2, "end_positions": 12 * rows}  # one is outside
        case "ForSequenceClassification":
            return {"labels": (rows > 0).long()}
    raise ValueError(head)


def labels(case: Case) -> Tensor:
    """Random sequences to learn; the last tokens of some are not to be scored."""
    targets = _tokens(case, (3, 13), 19)
    return targets.masked_fill(torch.arange(13) >= 13 - 2 * torch.arange(3)[:, None], -100)
