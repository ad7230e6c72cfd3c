//! Texts that attackers could choose: each is markup, a command or an escape somewhere.

/// Sixty of them, and one of a megabyte.
pub fn payloads() -> Vec<String> {
    let fixed = [
        // HTML and what stands around it
        "</script><script>window.hit=1</script>",
        "<img src=x onerror=window.hit=1>",
        "<svg onload=window.hit=1>",
        "<iframe srcdoc=\"<script>parent.hit=1</script>\">",
        "\" onmouseover=\"window.hit=1\" x=\"",
        "' autofocus onfocus='window.hit=1",
        "javascript:window.hit=1",
        "<!--",
        "-->",
        "]]>",
        "<![CDATA[x",
        "<?xml version=\"1.0\"?>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
        "&lt;script&gt;",
        "&#x3c;img src=x onerror=window.hit=1&#x3e;",
        "<style>*{display:none}</style>",
        "<base href=//example.com>",
        "<meta http-equiv=refresh content=0>",
        "{{DATA}}{{SCRIPT}}{{CSP}}{{TITLE}}",
        // spreadsheets
        "=HYPERLINK(\"https://example.com\",\"x\")",
        "+1+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "＝1+1",
        "a\",\"=1+1",
        // terminals
        "\u{1b}[2J\u{1b}[31mred",
        "\u{1b}]8;;https://example.com\u{7}link\u{1b}]8;;\u{7}",
        "\u{1b}]52;c;aGl0\u{7}",
        "\u{9b}31m",
        "\u{8}\u{8}\u{8}gone",
        "line\nline",
        "line\r\nline",
        "line\u{2028}line\u{2029}line",
        "\u{0}nul",
        "\u{85}next",
        // letters that hide or turn what is written
        "user\u{202e}txt.exe",
        "\u{2066}a\u{2069}",
        "\u{200b}\u{200d}\u{feff}",
        "\u{61c}x",
        "\u{e0041}\u{e0042}",
        "\u{ad}soft",
        // Markdown
        "[x](javascript:alert(1))",
        "![x](https://example.com/x.png)",
        "`` ` ``` x",
        "| a | b |\n|---|---|",
        "# heading\n- [ ] task",
        "@example/team #1 $x$",
        "<details><summary>x</summary>",
        "https://example.com/phish",
        // graphs
        "\"]; evil [label=\"x\"]; n0 -> n1 [label=\"",
        "\\N \\G \\\"",
        "n1 --> n2\n  click n0 href \"https://example.com\"",
        "%%{init: {'theme':'x'}}%%",
        "#quot;#35;",
        // programs
        "${file(\"/etc/passwd\")}%{ for x in y }",
        "$(touch hit)`touch hit`;touch hit|touch hit",
        "'; DROP TABLE usage; --",
        "__proto__",
        "constructor",
        "../../../etc/passwd",
        "%0d%0aSet-Cookie: x=1",
        "undefined",
        "adm\u{ad}in\u{3164}\u{e0101}\u{fff9}x\u{180e}",
        "www.example.com",
        "null",
        "{\"$\":0}",
        "𝕏😀\u{301}",
    ];
    fixed.iter().map(|text| (*text).to_owned()).chain(["A".repeat(1_000_000)]).collect()
}

/// Characters that no output may hold as they are, but for the line breaks of its own.
pub fn is_dangerous(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{e0000}'..='\u{e0fff}' | '\u{ad}' | '\u{180e}' | '\u{3164}' | '\u{fff9}'..='\u{fffb}')
}
