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

/// Compact, with the members of every object sorted by name; the text of numbers is kept. None if it is no JSON.
pub(crate) fn sorted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    write_sorted(text.trim(), &mut out)?;
    Some(out)
}

fn write_sorted(text: &str, out: &mut String) -> Option<()> {
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
                write_sorted(value.get(), out)?;
            }
            out.push('}');
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for (i, value) in items.iter().enumerate() {
                separate(out, i == 0);
                write_sorted(value.get(), out)?;
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
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(sorted(&deep).as_deref(), Some(deep.as_str()));
    }
}
