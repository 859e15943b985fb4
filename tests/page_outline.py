"""Pages as a reader that forgives nothing has them: their parts, and their words."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt


class Outline(HTMLParser):
    """An HTML page as a browser that forgives nothing would read it."""

    VOID = frozenset({"meta", "rect"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.open = [], [], [], []
        self.declarations = []
        self.feed(text)
        self.close()
        assert self.open == [] and self.rawdata == ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.open += [tag] if tag not in self.VOID else []

    def handle_startendtag(self, tag, attrs):
        assert tag == "rect"
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    def handle_decl(self, decl):
        self.declarations.append(decl)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data!r}")

    handle_pi = unknown_decl = handle_comment

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def markdown_outline(text):
    """What each part of Markdown is, where lines are broken apart."""
    found = []
    for token in READER.parse(text):
        found.append(token.type)
        for child in token.children or ():
            if child.type not in ("text", "softbreak", "text_special"):
                found.append(child.type)
    return found


def markdown_text(text):
    """The words of rendered Markdown."""
    words = []
    for token in READER.parse(text):
        words += [token.content, "\n"] if token.type == "fence" else []
        for child in token.children or ():
            words.append("\n" if child.type == "softbreak" else child.content)
        words += ["\n"] if token.type.endswith("_close") else []
    return " ".join("".join(words).split())
