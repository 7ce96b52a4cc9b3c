/// The look of a report: one style sheet for light and dark, screen, phone and paper.
enum ReportStyle {
  /// How many series have a colour and a dash pattern of their own; further ones begin again.
  static let seriesCount = 5

  /// The colours are told apart in all common kinds of colour blindness and have at least 3:1 against the background;
  /// lines differ by their dashes as well.
  static let sheet = Markup.literal(
    """

    :root{color-scheme:light dark;
    --page:#fff;--text:#1b1f24;--muted:#59616b;--rule:#dfe3e8;--panel:#f5f7f9;
    --s0:#1f6fb4;--s1:#c8590a;--s2:#0a7d5c;--s3:#7d4fa8;--s4:#6b7280}
    @media(prefers-color-scheme:dark){:root{
    --page:#14171a;--text:#e4e7ea;--muted:#9aa3ad;--rule:#31373e;--panel:#1c2024;
    --s0:#6cb2f0;--s1:#f2a153;--s2:#4fc9a0;--s3:#c29be8;--s4:#a3abb8}}
    *{box-sizing:border-box}
    body{margin:0;background:var(--page);color:var(--text);
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
    main{max-width:62rem;margin:0 auto;padding:2.5rem 1.25rem 3rem}
    h1{font-size:1.75rem;line-height:1.2;margin:0 0 .5rem}
    h2{font-size:1.2rem;line-height:1.3;margin:2.75rem 0 .5rem}
    p{margin:.5rem 0;max-width:44rem}
    .summary{font-size:1.05rem;color:var(--muted)}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1.75rem 2.5rem}
    figure{margin:1.25rem 0 0}
    figcaption{font-weight:600;padding-bottom:.35rem;margin-bottom:.75rem;border-bottom:1px solid var(--rule)}
    svg{display:block;overflow:visible}
    svg text{font-size:13px;fill:var(--text)}
    svg .group{font-weight:600}
    svg .value{font-weight:600;font-variant-numeric:tabular-nums}
    svg .name,svg .tick{fill:var(--muted)}
    svg .tick{font-size:12px;font-variant-numeric:tabular-nums}
    svg .halo{paint-order:stroke;stroke:var(--page);stroke-width:4px;stroke-linejoin:round}
    svg .grid{stroke:var(--rule)}
    svg .leader{stroke:var(--muted);opacity:.6}
    svg .spread{stroke:var(--text);stroke-width:1.5}
    .line{fill:none;stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}
    .point{stroke:var(--page);stroke-width:1}
    .bar.s0,.point.s0{fill:var(--s0)}.line.s0{stroke:var(--s0)}
    .bar.s1,.point.s1{fill:var(--s1)}.line.s1{stroke:var(--s1);stroke-dasharray:7 3}
    .bar.s2,.point.s2{fill:var(--s2)}.line.s2{stroke:var(--s2);stroke-dasharray:2 3}
    .bar.s3,.point.s3{fill:var(--s3)}.line.s3{stroke:var(--s3);stroke-dasharray:9 3 2 3}
    .bar.s4,.point.s4{fill:var(--s4)}.line.s4{stroke:var(--s4);stroke-dasharray:4 2}
    .empty{color:var(--muted)}
    .scroll{overflow-x:auto;margin-top:1.5rem}
    table{border-collapse:collapse;min-width:100%;font-size:.9rem}
    caption{text-align:left;font-weight:600;padding-bottom:.35rem}
    th,td{padding:.3rem .75rem;text-align:left;white-space:nowrap;border-bottom:1px solid var(--rule)}
    th:first-child{padding-left:0}td:last-child,th:last-child{padding-right:0}
    thead th{color:var(--muted);font-weight:500;vertical-align:bottom;border-bottom-color:var(--muted)}
    tbody th{font-weight:500}
    .number{text-align:right;font-variant-numeric:tabular-nums}
    dl{margin:.75rem 0;font-size:.9rem}
    dl div{display:grid;grid-template-columns:minmax(6rem,28%) 1fr;gap:0 1rem;padding:.25rem 0;
    border-bottom:1px solid var(--rule)}
    dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
    pre{background:var(--panel);padding:.75rem 1rem;border-radius:4px;overflow-x:auto;font-size:.85rem}
    code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
    footer{margin-top:2.5rem;color:var(--muted);font-size:.85rem}
    @media(max-width:40rem){svg .dense{display:none}}
    @media print{main{padding:0;max-width:none}figure,.scroll{break-inside:avoid}}

    """)
}
