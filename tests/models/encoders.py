"""The text encoders: their tiny configs, their heads, and what each head is given."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tests.models.parity import Case

SIZES = {
    "vocab_size": 61,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "pad_token_id": 1,
    "num_labels": 5,
}

HEADS = (
    "ForMaskedLM",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
)

OTHER_SIZES = {
    "layer_norm_eps": 1e-3,
    "hidden_act": "relu",
    "chunk_size_feed_forward": 1,
    "tie_word_embeddings": False,
}

# As DeBERTaV3 was released, with few buckets; and with what only DeBERTaV2's largest have.
DEBERTA_V3 = {
    "relative_attention": True,
    "position_buckets": 6,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "type_vocab_size": 0,
}
DEBERTA_V2_OTHERS = {
    **OTHER_SIZES,
    "chunk_size_feed_forward": 0,  # the reference has no chunks
    "relative_attention": True,
    "pos_att_type": ["c2p", "p2c"],
    "max_relative_positions": 12,
    "conv_kernel_size": 3,
    "conv_act": "gelu",
    "conv_groups": 2,
    "embedding_size": 40,
    "pooler_hidden_act": "tanh",
}

CASES = (
    Case("bert", "Bert", "plain", sizes=SIZES),
    Case("bert", "Bert", "everything", OTHER_SIZES, SIZES),
    Case("roberta", "Roberta", "plain", sizes=SIZES),
    Case("roberta", "Roberta", "everything", {**OTHER_SIZES, "pad_token_id": 3}, SIZES),
    Case("xlm_roberta", "XLMRoberta", "plain", sizes=SIZES),
    Case("bert_adapters", "BertAdapters", "none", sizes=SIZES, like="Bert"),
    Case("electra", "Electra", "projected", {"embedding_size": 40}, SIZES),
    Case(
        "electra",
        "Electra",
        "unprojected",
        {**OTHER_SIZES, "embedding_size": 48, "summary_type": "mean", "summary_use_proj": False},
        SIZES,
    ),
    Case("deberta_v2", "DebertaV2", "v3", DEBERTA_V3, SIZES, ("eager",)),
    Case("deberta_v2", "DebertaV2", "everything", DEBERTA_V2_OTHERS, SIZES, ("eager",)),
    Case(
        "deberta_v2",
        "DebertaV2",
        "shared-head",
        {"legacy": False, "relative_attention": True, "pos_att_type": "c2p"},
        SIZES,
        ("eager",),
    ),
    Case("deberta_v2", "DebertaV2", "absolute", {}, SIZES, ("eager",)),
)
MODELS = tuple({case.model: case for case in reversed(CASES)}.values())
"""The first case of each model, for what does not depend on the variant."""

EXTRA_HEADS = {"electra": ("ForPreTraining",)}


def heads(case: Case) -> tuple[str, ...]:
    """The heads that the case's model has."""
    return (*HEADS, *EXTRA_HEADS.get(case.model, ()))


def for_head(case: Case, head: str) -> Case:
    """The case with the labels that the head is made for: two, where an answer begins and ends."""
    if head != "ForQuestionAnswering":
        return case
    return replace(case, options={**case.options, "num_labels": 2})


def inputs(case: Case, head: str, *, padded: bool, labelled: bool = False) -> dict[str, Tensor]:
    """Random pairs of sentences; if padded, on the right, by another length in each row."""
    generator = torch.Generator().manual_seed(11)
    shape = (3, 4, 19) if head == "ForMultipleChoice" else (3, 19)
    pad = case.configs()[1].pad_token_id
    input_ids = torch.randint(pad + 1, SIZES["vocab_size"], shape, generator=generator)
    found = {"input_ids": input_ids}
    # RoBERTa knows one type of token only, but its tiny config two.
    found["token_type_ids"] = (torch.arange(19) > 8).long().expand(shape).contiguous()
    if padded:
        lengths = 19 - 3 * torch.arange(3).view(3, *[1] * (len(shape) - 1))
        found["attention_mask"] = (torch.arange(19) < lengths).long().expand(shape).contiguous()
        found["input_ids"] = input_ids.masked_fill(found["attention_mask"] == 0, pad)
    return {**found, **_labels(head, input_ids)} if labelled else found


def _labels(head: str, input_ids: Tensor) -> dict[str, Tensor]:
    """What the head is to predict; some of it is not to be scored."""
    rows = torch.arange(len(input_ids))
    match head:
        case "ForMaskedLM":
            return {"labels": input_ids.masked_fill(input_ids % 3 == 0, -100)}
        case "ForSequenceClassification" | "ForMultipleChoice":
            return {"labels": rows}
        case "ForTokenClassification":
            return {"labels": (input_ids % 5).masked_fill(input_ids % 3 == 0, -100)}
        case "ForQuestionAnswering":
            return {"start_positions": rows + 2, "end_positions": 12 * rows}  # one is outside
        case "ForPreTraining":
            return {"labels": input_ids % 2}
    raise ValueError(head)
