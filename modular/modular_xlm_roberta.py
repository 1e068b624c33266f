from torch import nn

from models.roberta.configuration_roberta import RobertaConfig
from models.roberta.modeling_roberta import (
    RobertaClassificationHead,
    RobertaForMaskedLM,
    RobertaForMultipleChoice,
    RobertaForQuestionAnswering,
    RobertaForSequenceClassification,
    RobertaForTokenClassification,
    RobertaLMPredictionHead,
    RobertaModel,
    RobertaPreTrainedModel,
    classifier_dropout,
)


class XLMRobertaConfig(RobertaConfig):
    """Sizes and switches of an XLM-R encoder; as it stands, the sizes of BERT base.

    Paper: XLM-R (Conneau et al. 2019, arXiv:1911.02116). The defaults are what the published
    `config.json` files leave unsaid.
    """

    model_type = "xlm-roberta"

    vocab_size: int = 30522


class XLMRobertaPreTrainedModel(RobertaPreTrainedModel):
    base_model_prefix = "roberta"  # what its checkpoints call the encoder, below every head


class XLMRobertaModel(RobertaModel):
    pass


class XLMRobertaForMaskedLM(RobertaForMaskedLM):
    _tied_weights_keys = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }

    def __init__(self, config: XLMRobertaConfig):
        XLMRobertaPreTrainedModel.__init__(self, config)
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.lm_head = RobertaLMPredictionHead(config)
        self.post_init()


class XLMRobertaForSequenceClassification(RobertaForSequenceClassification):
    def __init__(self, config: XLMRobertaConfig):
        XLMRobertaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.classifier = RobertaClassificationHead(config)
        self.post_init()


class XLMRobertaForTokenClassification(RobertaForTokenClassification):
    def __init__(self, config: XLMRobertaConfig):
        XLMRobertaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class XLMRobertaForQuestionAnswering(RobertaForQuestionAnswering):
    def __init__(self, config: XLMRobertaConfig):
        XLMRobertaPreTrainedModel.__init__(self, config)
        self.num_labels = config.num_labels
        self.roberta = XLMRobertaModel(config, add_pooling_layer=False)
        self.qa_outputs = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()


class XLMRobertaForMultipleChoice(RobertaForMultipleChoice):
    def __init__(self, config: XLMRobertaConfig):
        XLMRobertaPreTrainedModel.__init__(self, config)
        self.roberta = XLMRobertaModel(config)
        self.dropout = classifier_dropout(config)
        self.classifier = nn.Linear(config.hidden_size, 1)
        self.post_init()


__all__ = [
    "XLMRobertaConfig",
    "XLMRobertaForMaskedLM",
    "XLMRobertaForMultipleChoice",
    "XLMRobertaForQuestionAnswering",
    "XLMRobertaForSequenceClassification",
    "XLMRobertaForTokenClassification",
    "XLMRobertaModel",
    "XLMRobertaPreTrainedModel",
]
