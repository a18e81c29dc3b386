# What the transformers library makes of conversations with each template here, into expected.json beside them.
# transformers 5.18.0: python expected.py

import json
import pathlib

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

FOLDER = pathlib.Path(__file__).parent
TOOL = {
    'type': 'function',
    'function': {
        'name': 'weather',
        'description': 'Weather of a place, in °C; "now" or later',
        'parameters': {'type': 'object', 'properties': {'place': {'type': 'string'}}, 'required': ['place']},
    },
}
say = lambda role, content, **more: {'role': role, 'content': content, **more}
SYSTEM = say('system', "Answer in rhymes, if it's <possible>.")
HELLO = [say('user', 'Hello, wörld! ')]
TALK = HELLO + [say('assistant', '<think>\nhm\n</think>\n\n Hi.\n'), say('user', ' 1 + 1 = ?\tAnd\n\n2 & 2?')]
CALL = [
    say('user', 'Weather in Oslo?'),
    say('assistant', '', tool_calls=[{'type': 'function', 'function': {'name': 'weather', 'arguments': {'place': 'Oslo', 'n': 1}}}]),
    say('tool', '{"degrees": -3}'),
]
CONVERSATIONS = {
    'one message': dict(messages=HELLO),
    'system and user': dict(messages=[SYSTEM] + HELLO),
    'three messages': dict(messages=[SYSTEM] + TALK),
    'a whole conversation': dict(messages=TALK + [say('assistant', 'Two, and four.')], add_generation_prompt=False),
    'tools': dict(messages=CALL, tools=[TOOL]),
    'variables': dict(messages=TALK, variables={'day': '1 May', 'enable_thinking': False}),
    'two users in a row': dict(messages=HELLO + HELLO),
}


def expected(template, conversation):
    words = Tokenizer(WordLevel({'<s>': 0, '</s>': 1, '<unk>': 2}, unk_token='<unk>'))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, bos_token='<s>', eos_token='</s>', unk_token='<unk>')
    given = {'add_generation_prompt': True, **conversation}
    variables = given.pop('variables', {})
    try:
        text = tokenizer.apply_chat_template(
            given.pop('messages'), chat_template=template, tokenize=False, **given, **variables
        )
        return {'text': text}
    except Exception as error:
        return {'refused': str(error)}


cases = [
    {'template': path.stem, 'name': name, **conversation, **expected(path.read_text(), conversation)}
    for path in sorted(FOLDER.glob('*.jinja'))
    for name, conversation in CONVERSATIONS.items()
]
(FOLDER / 'expected.json').write_text(json.dumps(cases, ensure_ascii=False, indent=1) + '\n')
