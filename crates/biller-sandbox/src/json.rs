//! JSON texts as signatures see them: the bytes matter, not only the values.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Without whitespace outside strings, everything else as it was. Any text is accepted.
pub(crate) fn compact(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    text.chars()
        .filter(|letter| {
            let keep = in_string || !matches!(letter, ' ' | '\t' | '\n' | '\r');
            match letter {
                '"' if !escaped => in_string = !in_string,
                _ => {}
            }
            escaped = in_string && !escaped && *letter == '\\';
            keep
        })
        .collect()
}

/// How deep a text may nest, so that no request can exhaust the stack.
const DEEPEST: usize = 64;

/// Compact, with the members of every object sorted by name; the text of numbers is kept. None if it is no JSON, or nested too deeply.
pub(crate) fn sorted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    write_sorted(text.trim(), &mut out, DEEPEST)?;
    Some(out)
}

/// The members of an object in the order of the text, each with the text of its value.
pub(crate) fn members(text: &str) -> Option<Vec<(String, String)>> {
    struct Members(Vec<(String, String)>);
    impl<'de> serde::Deserialize<'de> for Members {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            struct Read;
            impl<'de> serde::de::Visitor<'de> for Read {
                type Value = Members;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                    let mut members = Vec::new();
                    while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                        members.push((name, value.get().to_owned()));
                    }
                    Ok(Members(members))
                }
            }
            from.deserialize_map(Read)
        }
    }
    serde_json::from_str::<Members>(text).ok().map(|members| members.0)
}

/// Every member and item of a compact text on a line of its own, as pretty printers write it.
pub(crate) fn pretty(compact: &str, indent: &str) -> String {
    let (mut out, mut depth, mut in_string, mut escaped) = (String::new(), 0_usize, false, false);
    let break_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(indent, depth));
    };
    for letter in compact.chars() {
        let opens = !in_string && matches!(letter, '{' | '[');
        let closes = !in_string && matches!(letter, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
            break_line(&mut out, depth);
        }
        out.push(letter);
        if opens {
            depth = (depth + 1).min(DEEPEST);
            break_line(&mut out, depth);
        }
        match letter {
            ',' if !in_string => break_line(&mut out, depth),
            ':' if !in_string => out.push(' '),
            '"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && !escaped && letter == '\\';
    }
    out
}

fn write_sorted(text: &str, out: &mut String, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    let separate = |out: &mut String, first: bool| {
        if !first {
            out.push(',')
        }
    };
    match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            out.push('{');
            for (i, (name, value)) in members.iter().enumerate() {
                separate(out, i == 0);
                out.push_str(&serde_json::to_string(name).ok()?);
                out.push(':');
                write_sorted(value.get(), out, depth)?;
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                separate(out, i == 0);
                write_sorted(value.get(), out, depth)?;
            }
            out.push(']');
        }
        b'"' => out.push_str(&serde_json::to_string(&serde_json::from_str::<String>(text).ok()?).ok()?),
        _ => out.push_str(serde_json::from_str::<&RawValue>(text).ok()?.get()),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compacts_outside_strings_only() {
        assert_eq!(compact("{ \"a b\" :\n [1 , \"x \\\" y\"] }"), r#"{"a b":[1,"x \" y"]}"#);
        assert_eq!(compact("{\"a\\\\\" : 1}"), r#"{"a\\":1}"#);
        assert_eq!(compact("no json \" here"), "nojson\" here");
    }

    #[test]
    fn sorts_at_every_depth() {
        let text = "{\"b\":[{\"z\":1.0,\"a\":1e2}],\n\"a\":\"\\u00e9/\"}";
        assert_eq!(sorted(text).as_deref(), Some("{\"a\":\"é/\",\"b\":[{\"a\":1e2,\"z\":1.0}]}"));
        assert_eq!(sorted("{\"a\":}"), None);
        assert_eq!(sorted(""), None);
    }

    #[test]
    fn survives_deep_nesting() {
        assert_eq!(sorted(&"[".repeat(500_000)), None);
        assert_eq!(sorted(&format!("{}{}", "[".repeat(500_000), "]".repeat(500_000))), None);
        let deep = format!("{}{}", "[".repeat(50), "]".repeat(50));
        assert_eq!(sorted(&deep).as_deref(), Some(deep.as_str()));
    }

    #[test]
    fn pretty_is_what_a_common_printer_writes() {
        let text = r#"{"a":[1,{"b":"x,: \" {"}],"c":true}"#;
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(pretty(text, "  "), serde_json::to_string_pretty(&value).expect("printable"));
    }

    #[test]
    fn members_keep_their_order() {
        let members = members("{\"b\": 1.0, \"a\" : [2]}");
        assert_eq!(members, Some(vec![("b".into(), "1.0".into()), ("a".into(), "[2]".into())]));
    }
}
