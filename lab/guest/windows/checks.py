"""Scripts with which the lab checks itself in a Windows guest; `lab selftest --windows` runs them.

Owns a program that says what arguments it got. It is compiled in the guest, by the compiler that is in
every Windows since 8, so that what CreateProcess and the C runtime made of a command line is seen, and no
shell's view.
"""

from __future__ import annotations

from lab.guest.windows.quoting import powershell

_ECHO = r"""
$source='using System; using System.Text; public static class LabEcho {{
  public static int Main(string[] words) {{
    foreach (string word in words) {{
      Console.WriteLine(BitConverter.ToString(Encoding.UTF8.GetBytes(word)).Replace("-", "").ToLower()); }}
    return 0; }} }}'
Remove-Item -LiteralPath {path} -Force -ErrorAction SilentlyContinue
Add-Type -TypeDefinition $source -OutputAssembly {path} -OutputType ConsoleApplication
"""


def make_echo(path: str) -> str:
    """PowerShell that makes a program at `path`: it prints each argument as a line of hexadecimal UTF-8."""
    return _ECHO.format(path=powershell(path))


def echoed(text: str) -> list[str]:
    """The arguments that it said it got.

    :raise ValueError: it said something else.
    """
    return [bytes.fromhex(line).decode("utf-8") for line in text.splitlines()]
