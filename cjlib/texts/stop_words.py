"""Words that name no theme; opinion, amount and negation are never among them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cjlib.language import for_model

# Opinion, amount and negation: common stop lists drop them, and with them what was meant.
_KEPT: Final = """
good bad not no nor never none nothing without very too more most less least few little only
well better best worse worst great nice poor don can won isn wasn didn doesn hard easy
خوب بد نه کم زیاد خیلی بسیار بیشتر کمتر بهتر بدتر بهترین بدترین هیچ هرگز بدون نبود نیست
نشد نداشت ندارد نمی عالی بی فقط اصلا زود دیر سخت آسان راحت گران ارزان
"""
_ENGLISH: Final = """
a about above after again all also am an and any are as at be because been before being below
between both but by can could did do does doing done down during each either else ever every for
from further get gets getting go goes going got had has have having he her here hers herself him
himself his how i if in into is it its itself just let like made make makes me mine my myself of
off on once one onto or other our ours ourselves out over own per please put quite rather really
s said same say says she should since so some still such t than that the their theirs them
themselves then there these they thing things this those though through to two under until up
upon us use used was we went were what when where which while who whom whose why will with within
would yet you your yours yourself yourselves im ive id ill youre youve theyre thats theres hes
shes m ve re ll d url mail 0 00 000 0000
"""
_PERSIAN: Final = """
و در به از که این را با است برای آن یک خود تا کرد بر هم نیز گفت می شود وی شد دارد ما اما یا باید هر
او مورد آنها باشد دیگر نظر چه بین پیش پس اگر همه صورت یکی هستند بود داد دهد شده کرده کند کنند
کنم کنیم کنید بودند بودم بودیم شدم شدند شده‌است هست هستم هستیم هستید من تو شما ایشان اینها آنان
همین همان چون چرا چی چیه کی کجا وقتی زمانی حتی مثل مانند جز بعد قبل روی زیر بالای کنار داخل درون
ها های هایی هام هاش هاشون ام ای ایم اید اند ات اش مان تان شان رو تو برا واسه واسم برام اون اینکه
آنکه اونا اینا یه اینجا آنجا اونجا الان حالا هنوز باز بازم دوباره ولی لیکن البته پس یعنی خب دیگه
همش همشون همه‌ی کلی چند چندین بعضی برخی هرچند گرچه چنین چنان طور طوری نوع داشت داشتم داشتند دارم
داریم دارند داشته دارید خواهد خواهند خواهم بخواهد می‌شود میشه شه بشه بشود شود شد کردم کردن کردند
کردیم کردید کن بکن بکنید میکنم میکنه میکنند میکنید بده بدم بدن دادن دادند دادم گفتم گفتن میگه میگن
واقعا کاملا حتما اصولا معمولا توی پای سر ته بدین به‌خاطر بابت درباره ایی ئه هاست اس ست س ی م د ه ک
"""


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """Return the stop words of both languages, spelled as ``for_model`` spells.

    They may stand together: no Persian stop word is an English word. What half-spaces part
    («کتاب‌ها») comes as two words, so endings are among them.
    """
    spelled = for_model(f"{_ENGLISH} {_PERSIAN}").split()
    return frozenset(spelled) - opinion_words()


@lru_cache(maxsize=1)
def opinion_words() -> frozenset[str]:
    """Return words of opinion, amount and negation that must never be left out."""
    return frozenset(for_model(_KEPT).split())
