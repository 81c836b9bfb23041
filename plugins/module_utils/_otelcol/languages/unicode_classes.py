# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of Unicode classes that Go's regular expressions know, as in `\\p{Greek}`. Private.

regex.py asks whether a name is one of them, and suggests the nearest for one that is not.
"""

from __future__ import annotations

# Categories, their aliases, and scripts.
_UNICODE_CLASS_NAMES = """
ASCII Adlam Ahom Anatolian_Hieroglyphs Any Arabic Armenian Assigned Avestan Balinese Bamum Bassa_Vah Batak Bengali
Beria_Erfe Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid C Canadian_Aboriginal Carian Cased_Letter
Caucasian_Albanian Cc Cf Chakma Cham Cherokee Chorasmian Close_Punctuation Cn Co Combining_Mark Common
Connector_Punctuation Control Coptic Cs Cuneiform Currency_Symbol Cypriot Cypro_Minoan Cyrillic Dash_Punctuation
Decimal_Number Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Enclosing_Mark
Ethiopic Final_Punctuation Format Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi
Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited
Initial_Punctuation Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li
Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai L LC Lao Latin Lepcha Letter Letter_Number Limbu
Line_Separator Linear_A Linear_B Lisu Ll Lm Lo Lowercase_Letter Lt Lu Lycian Lydian M Mahajani Makasar Malayalam
Mandaic Manichaean Marchen Mark Masaram_Gondi Math_Symbol Mc Me Medefaidrin Meetei_Mayek Mende_Kikakui
Meroitic_Cursive Meroitic_Hieroglyphs Miao Mn Modi Modifier_Letter Modifier_Symbol Mongolian Mro Multani Myanmar N
Nabataean Nag_Mundari Nandinagari Nd New_Tai_Lue Newa Nko Nl No Nonspacing_Mark Number Nushu Nyiakeng_Puachue_Hmong
Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian
Old_South_Arabian Old_Turkic Old_Uyghur Open_Punctuation Oriya Osage Osmanya Other Other_Letter Other_Number
Other_Punctuation Other_Symbol P Pahawh_Hmong Palmyrene Paragraph_Separator Pau_Cin_Hau Pc Pd Pe Pf Phags_Pa
Phoenician Pi Po Private_Use Ps Psalter_Pahlavi Punctuation Rejang Runic S Samaritan Saurashtra Sc Separator Sharada
Shavian Siddham Sidetic SignWriting Sinhala Sk Sm So Sogdian Sora_Sompeng Soyombo Space_Separator Spacing_Mark
Sundanese Sunuwar Surrogate Syloti_Nagri Symbol Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Tai_Yo Takri Tamil
Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Titlecase_Letter Todhri Tolong_Siki Toto Tulu_Tigalari
Ugaritic Unassigned Uppercase_Letter Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Z Zanabazar_Square Zl Zp Zs cntrl
digit punct
"""
UNICODE_CLASSES = frozenset(_UNICODE_CLASS_NAMES.split())
