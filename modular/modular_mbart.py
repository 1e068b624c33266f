from collections.abc import Callable

import torch
from torch import nn

from models.bart.configuration_bart import BartConfig
from models.bart.modeling_bart import (
    BartForConditionalGeneration,
    BartForQuestionAnswering,
    BartForSequenceClassification,
    BartLayer,
    BartModel,
    BartPreTrainedModel,
    BartStack,
)


class MBartConfig(BartConfig):
    """Sizes and switches of an mBART encoder-decoder; as it stands, mBART large.

    Paper: Multilingual Denoising Pre-training for Neural Machine Translation (Liu et al. 2020,
    arXiv:2001.08210); sizes are those of its section 2.2. The vocabulary is BART's by default; the
    released weights have one of 250027.
    """

    model_type = "mbart"

    decoder_start_token_id: int | None = None  # a text begins with the code of its language

    def __post_init__(self, **kwargs):
        raise AttributeError("two labels, as elsewhere in the library")


def shift_tokens_right(tokens: torch.LongTensor, config: MBartConfig) -> torch.LongTensor:
    """What the decoder is given to predict `tokens`, (batch, length): each one's predecessor.

    The first is predicted from the last that is no padding: the code of the text's language. Where
    -100 stands for what is not scored, the decoder is given padding.
    """
    tokens = tokens.masked_fill(tokens == -100, config.pad_token_id)
    last = (tokens != config.pad_token_id).sum(dim=-1, keepdim=True) - 1
    return torch.cat((tokens.gather(-1, last), tokens[:, :-1]), dim=-1)


class MBartLayer(BartLayer):
    def residual(
        self,
        norm: nn.LayerNorm,
        compute: Callable[[torch.Tensor], torch.Tensor],
        hidden_states: torch.Tensor,
    ) -> torch.Tensor:
        """Adds what is computed from (batch, length, d_model), once normed, to it."""
        computed = compute(norm(hidden_states))
        return hidden_states + nn.functional.dropout(computed, self.dropout, self.training)


class MBartPreTrainedModel(BartPreTrainedModel):
    pass


class MBartStack(BartStack):
    """Embeddings, layers and a last norm: the encoder or the decoder."""

    def __init__(self, config: MBartConfig, layers: list[MBartLayer], layerdrop: float):
        super().__init__(config, layers, layerdrop)
        self.layer_norm = nn.LayerNorm(config.d_model)


class MBartModel(BartModel):
    pass


class MBartForConditionalGeneration(BartForConditionalGeneration):
    pass


class MBartForQuestionAnswering(BartForQuestionAnswering):
    pass


class MBartForSequenceClassification(BartForSequenceClassification):
    pass


__all__ = [
    "MBartConfig",
    "MBartForConditionalGeneration",
    "MBartForQuestionAnswering",
    "MBartForSequenceClassification",
    "MBartModel",
    "MBartPreTrainedModel",
]
