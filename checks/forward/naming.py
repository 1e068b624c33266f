"""What the names of an original model are in ours: a file of TOML, read without loading torch.

The original's names stand on the left, ours on the right.

    config_class = "ModelArgs"          # without it, fields are arguments of the original's class
    transposed = ['.*\\.proj\\.weight']   # weights of the original that lie the other way round
    ignored = ['freqs']                 # what is in a state dict and has no counterpart

    [classes]
    Transformer = "NewForCausalLM"

    [config]
    dim = "hidden_size"

    [constants]                         # fields that ours does not have
    max_seq_len = 64

    [arguments]                         # of forward
    tokens = "input_ids"

    [outputs]                           # "" is all that it gives back, "1.hidden" a part of it
    "" = "logits"

    [weights]                           # regular expressions, replaced one after the other
    '^tok_embeddings\\.' = "model.embed_tokens."
    '^layers\\.(\\d+)\\.attention\\.w([qkv])\\.' = 'model.layers.\\1.self_attn.\\2_proj.'

    [joined]                            # weights that hold several of ours, one behind the other
    'layers\\.(\\d+)\\.w13\\.weight' = ['model.layers.\\1.w1.weight', 'model.layers.\\1.w3.weight']
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class NamesError(ValueError):
    """A mistake in the file; the message names it and the key."""


@dataclass(frozen=True, slots=True)
class Names:
    """By the original's names, ours."""

    path: Path
    classes: Mapping[str, str]
    arguments: Mapping[str, str]
    outputs: Mapping[str, str]
    config: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    config_class: str = ""
    transposed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def ours(self, name: str) -> str:
        """What a weight or a module of the original is called in ours."""
        for pattern, replacement in self.weights.items():
            name = re.sub(pattern, replacement, name)
        return name

    def parts(self, name: str) -> list[str]:
        """The weights of ours that are joined in one of the original; none if it is one of ours."""
        for pattern, replacements in self.joined.items():
            if found := re.fullmatch(pattern, name):
                return [found.expand(each) for each in replacements]
        return []

    def is_transposed(self, name: str) -> bool:
        return any(re.fullmatch(pattern, name) for pattern in self.transposed)

    def is_ignored(self, name: str) -> bool:
        return any(re.fullmatch(pattern, name) for pattern in self.ignored)

    def check(self, theirs: Iterable[str]) -> None:
        """Raises a NamesError where weights of the original cannot be told apart in ours, or where
        something in the file is for none of them."""
        names = list(theirs)
        given: dict[str, str] = {}
        for name in (each for each in names if not self.is_ignored(each)):
            for ours in self.parts(name) or [self.ours(name)]:
                other = given.setdefault(ours, name)
                if other != name:
                    raise self.mistake("weights", f"`{other}` and `{name}` both become `{ours}`")
        for key in ("transposed", "joined"):
            for pattern in getattr(self, key):
                if not any(re.fullmatch(pattern, name) for name in names):
                    raise self.mistake(key, f"`{pattern}` is the name of no weight")
        for pattern, replacement in self.weights.items():
            if not any(re.search(pattern, name) for name in names):
                raise self.mistake(f"weights.'{pattern}'", "it is found in the name of no weight")
            names = [re.sub(pattern, replacement, name) for name in names]

    def mistake(self, key: str, message: str) -> NamesError:
        return NamesError(f"{self.path.name}: `{key}`: {message}")


_LISTS, _TEXTS, _ANY = ("transposed", "ignored"), ("config_class",), ("constants",)
_NEEDED = ("classes", "arguments", "outputs")


def read(path: Path) -> Names:
    """The names in the file. Raises a NamesError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NamesError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NamesError(f"{path.name}: not valid TOML: {error}") from error
    known = [each.name for each in fields(Names) if each.name != "path"]
    for key, value in document.items():
        if key not in known:
            raise NamesError(f"{path.name}: `{key}` is not known; there are {', '.join(known)}")
        _check_type(path, key, value)
    for key in _NEEDED:
        if not document.get(key):
            raise NamesError(f"{path.name}: `{key}` is missing")
    for key in _LISTS:
        document[key] = tuple(document.get(key, ()))
    names = Names(path, **document)
    for key, pattern in [
        *((f"weights.'{each}'", each) for each in names.weights),
        *(("transposed", each) for each in names.transposed),
        *(("ignored", each) for each in names.ignored),
        *((f"joined.'{each}'", each) for each in names.joined),
    ]:
        try:
            # What is put in the place of a match may name a group that there is not.
            for replacement in (names.weights.get(pattern, ""), *names.joined.get(pattern, ())):
                re.compile(f"(?:{pattern})|").sub(replacement, "")
        except (re.error, IndexError) as error:
            raise names.mistake(key, f"it is no regular expression: {error}") from error
    return names


def _check_type(path: Path, key: str, value: object) -> None:
    if key in _TEXTS:
        wanted, is_right = "a text", isinstance(value, str)
    elif key in _LISTS:
        wanted = "a list of texts"
        is_right = isinstance(value, list) and all(isinstance(each, str) for each in value)
    else:
        wanted = "a table" if key in _ANY else "a table of texts"
        is_right = isinstance(value, dict) and (
            key in _ANY or all(isinstance(each, str) for each in value.values())
        )
    if key == "joined":
        wanted = "a table of lists of texts"
        is_right = isinstance(value, dict) and all(
            isinstance(each, list) and all(isinstance(one, str) for one in each)
            for each in value.values()
        )
    if not is_right:
        raise NamesError(f"{path.name}: `{key}` must be {wanted}")
