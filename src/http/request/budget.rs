//! How much JSON a request may hold. It is measured before it is read.

/// How deep arrays and objects may be nested.
pub(in crate::http) const MAX_DEPTH: usize = 127;

/// How many values a text may hold: the longest list of attributes, with all that is told of each, and some.
pub(in crate::http) const MAX_NODES: usize = 65_536;

/// Whether a text, were it JSON, is neither nested too deeply nor of too many values. It looks at each byte once and keeps
/// nothing. A text that is not JSON may pass.
pub(in crate::http) fn is_within_budget(text: &str) -> bool {
    let (mut depth, mut nodes) = (0_usize, 1_usize);
    let (mut is_in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        if is_in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => is_in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => is_in_string = true,
            b'[' | b'{' => {
                depth += 1;
                nodes += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => nodes += 1,
            _ => {}
        }
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            return false;
        }
    }
    true
}
