"""Chat templates that differ in what they take, around one tokenizer."""

import functools

from tests.models.tiny_models import CHATML, SPECIALS, train_tokenizer

# In the manner of Qwen 2.5: tool calls as JSON between markers, results inside a user turn.
CALLING = (
    "{%- for m in messages %}"
    "{%- if m.role == 'tool' %}"
    "{{- '<|im_start|>user\n<tool_response>\n' + m.content + '\n</tool_response><|im_end|>\n' }}"
    "{%- else %}"
    "{{- '<|im_start|>' + m.role + '\n' + m.content }}"
    "{%- for call in m.tool_calls or [] %}"
    '{{- \'\n<tool_call>\n{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{- call.function.arguments | tojson }}{{- '}\n</tool_call>' }}"
    "{%- endfor %}{{- '<|im_end|>\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
# In the manner of Gemma: no system role, roles alternate, words are trimmed.
STRICT = (
    "{{- '<|endoftext|>' }}"
    "{%- for m in messages %}"
    "{%- if m.role not in ('user', 'assistant') %}{{- raise_exception('role ' + m.role) }}{%- endif %}"
    "{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{- raise_exception('must alternate') }}{%- endif %}"
    "{{- '<|im_start|>' + m.role + '\n' + (m.content | trim) + '<|im_end|>\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
# Roles in plain text, no control token at all, one line each, and today's date.
PLAIN = (
    "{{- strftime_now('%Y-%m-%d') + '\n' }}"
    "{%- for m in messages %}"
    "{%- if '\n' in m.content or m.role == 'tool' %}{{- raise_exception('one line') }}{%- endif %}"
    "{{- m.role + ': ' + m.content + '\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- 'assistant: ' }}{%- endif %}"
)
TEMPLATES = {"chatml": CHATML, "calling": CALLING, "strict": STRICT, "plain": PLAIN}


@functools.cache
def tokenizer(name):
    return train_tokenizer(template=TEMPLATES[name], specials=SPECIALS)
