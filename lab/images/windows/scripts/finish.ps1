# Runs at the first logon, and again after each restart it asks for: brings the guest to what C:\lab\wanted.json
# says, step by step, tells each step on COM1, reports what it finds, and shuts down. Windows PowerShell 5.1.
# Sources: about the SSH server, Win32-OpenSSH's wiki; about its files' rights, Win32-OpenSSH#1942.
$ErrorActionPreference = 'Stop'
$home_ = 'C:\lab'
$wanted = Get-Content -Raw -Encoding UTF8 "$home_\wanted.json" | ConvertFrom-Json
$done = "$home_\done.txt"
Start-Transcript -Append -Path "$home_\finish.log" | Out-Null

function Say([string]$text) {
    try {
        $port = New-Object System.IO.Ports.SerialPort 'COM1', 115200
        $port.Open()
        $port.Write("lab-setup: $text`r`n")
        $port.Close()
    } catch { Write-Warning "COM1: $_" }
    Write-Output "lab-setup: $text"
}

function Invoke-Tool([string]$program, [string[]]$words, [int[]]$good = @(0)) {
    $ended = Start-Process -FilePath $program -ArgumentList $words -Wait -PassThru -NoNewWindow
    if ($good -notcontains $ended.ExitCode) { throw "$program $words exited with $($ended.ExitCode)" }
    return $ended.ExitCode
}

function Set-Private([string]$path) {
    # S-1-5-18 is SYSTEM, S-1-5-32-544 Administrators, in every language.
    Invoke-Tool 'icacls.exe' @("`"$path`"", '/inheritance:r', '/grant', '*S-1-5-18:F', '/grant', '*S-1-5-32-544:F') | Out-Null
    Invoke-Tool 'icacls.exe' @("`"$path`"", '/setowner', '*S-1-5-32-544') | Out-Null
}

function Install-GuestAgent {
    Invoke-Tool 'msiexec.exe' @('/i', "`"$home_\qemu-ga-x86_64.msi`"", '/qn', '/norestart') @(0, 3010) | Out-Null
    Set-Service QEMU-GA -StartupType Automatic
}

function Install-Update {
    # One per call, so that a restart between two of them loses nothing.
    foreach ($file in Get-ChildItem "$home_\updates" -Filter *.msu -ErrorAction SilentlyContinue | Sort-Object Name) {
        if (Select-String -Quiet -SimpleMatch -Path $done -Pattern "update $($file.Name)") { continue }
        Say "update $($file.Name)"
        # 3010: restart needed; 2359302: installed already; wusa's own codes.
        $code = Invoke-Tool 'wusa.exe' @("`"$($file.FullName)`"", '/quiet', '/norestart') @(0, 3010, 2359302)
        Add-Content $done "update $($file.Name)"
        if ($code -eq 3010) { return 'restart' }
    }
}

function Install-Ssh {
    $msi = Get-ChildItem "$home_\openssh" -Filter *.msi -ErrorAction SilentlyContinue | Select-Object -First 1
    if ($msi) {
        Invoke-Tool 'msiexec.exe' @('/i', "`"$($msi.FullName)`"", '/qn', '/norestart', 'ADDLOCAL=Server') @(0, 3010) | Out-Null
    } elseif (-not (Get-Service sshd -ErrorAction SilentlyContinue)) {
        return
    }
    $ssh = "$env:ProgramData\ssh"
    New-Item -ItemType Directory -Force $ssh | Out-Null
    Stop-Service sshd -ErrorAction SilentlyContinue
    Get-ChildItem $ssh -Filter 'ssh_host_*' -ErrorAction SilentlyContinue | Remove-Item -Force
    foreach ($name in 'ssh_host_ed25519_key', 'ssh_host_ed25519_key.pub', 'administrators_authorized_keys', 'sshd_config') {
        Copy-Item -Force "$home_\ssh\$name" "$ssh\$name"
        Set-Private "$ssh\$name"
    }
    Set-Service sshd -StartupType Automatic
    Start-Service sshd
    if (-not (Get-NetFirewallRule -Name lab-ssh -ErrorAction SilentlyContinue)) {
        New-NetFirewallRule -Name lab-ssh -DisplayName 'Fleet lab: SSH' -Direction Inbound -Protocol TCP -LocalPort 22 -Action Allow -Profile Any | Out-Null
    }
}

function Enable-Winrm {
    $made = New-SelfSignedCertificate -DnsName $env:COMPUTERNAME, '127.0.0.1' -CertStoreLocation Cert:\LocalMachine\My -NotAfter (Get-Date).AddYears(20)
    Enable-PSRemoting -SkipNetworkProfileCheck -Force | Out-Null
    Get-ChildItem WSMan:\localhost\Listener | Where-Object { $_.Keys -contains 'Transport=HTTPS' } | Remove-Item -Recurse
    New-Item WSMan:\localhost\Listener -Transport HTTPS -Address * -CertificateThumbPrint $made.Thumbprint -Force | Out-Null
    Get-ChildItem WSMan:\localhost\Listener | Where-Object { $_.Keys -contains 'Transport=HTTP' } | Remove-Item -Recurse
    if (-not (Get-NetFirewallRule -Name lab-winrm -ErrorAction SilentlyContinue)) {
        New-NetFirewallRule -Name lab-winrm -DisplayName 'Fleet lab: WinRM' -Direction Inbound -Protocol TCP -LocalPort 5986 -Action Allow -Profile Any | Out-Null
    }
    Set-Content "$home_\winrm.txt" $made.Thumbprint
}

function Set-DumpDisk {
    if (-not $wanted.dump_letter) { return }
    $disk = Get-Disk | Where-Object { $_.Number -ne 0 -and -not $_.IsSystem -and -not $_.IsBoot } | Sort-Object Number | Select-Object -First 1
    if (-not $disk) { throw 'there is no second disk for dumps' }
    if ($disk.IsOffline) { $disk | Set-Disk -IsOffline $false }
    if ($disk.IsReadOnly) { $disk | Set-Disk -IsReadOnly $false }
    $part = $disk | Get-Partition | Where-Object { $_.Type -ne 'Reserved' } | Select-Object -First 1
    if (-not $part) { throw 'the dump disk has no partition' }
    if ($part.DriveLetter -ne $wanted.dump_letter) { $part | Set-Partition -NewDriveLetter $wanted.dump_letter }
    # Windows remembers the letter by the partition's identity, which the lab keeps on every dump disk.
}

function Set-Boot {
    # No repair page after a crash: the lab counts boots itself.
    Invoke-Tool 'bcdedit.exe' @('/set', '{default}', 'bootstatuspolicy', 'ignoreallfailures') | Out-Null
    if ($wanted.ems) {
        Invoke-Tool 'bcdedit.exe' @('/emssettings', 'EMSPORT:1', 'EMSBAUDRATE:115200') | Out-Null
        Invoke-Tool 'bcdedit.exe' @('/ems', '{default}', 'on') | Out-Null
        Invoke-Tool 'bcdedit.exe' @('/bootems', '{bootmgr}', 'on') | Out-Null
    }
}

function Set-Quiet {
    Invoke-Tool 'powercfg.exe' @('/hibernate', 'off') | Out-Null
    foreach ($what in 'monitor-timeout-ac', 'standby-timeout-ac', 'disk-timeout-ac') {
        Invoke-Tool 'powercfg.exe' @('/change', $what, '0') | Out-Null
    }
    Disable-ScheduledTask -TaskPath '\Microsoft\Windows\Defrag\' -TaskName 'ScheduledDefrag' -ErrorAction SilentlyContinue | Out-Null
    Set-LocalUser -Name $wanted.user -PasswordNeverExpires $true
}

$steps = [ordered]@{
    'guest-agent' = { Install-GuestAgent }; 'dump-disk' = { Set-DumpDisk }; 'updates' = { Install-Update }
    'ssh' = { Install-Ssh }; 'winrm' = { Enable-Winrm }; 'boot' = { Set-Boot }; 'quiet' = { Set-Quiet }
}
if (-not (Test-Path $done)) { Set-Content $done 'begun' }
foreach ($name in $steps.Keys) {
    if ((Get-Content $done) -contains $name) { continue }
    Say $name
    try {
        $result = & $steps[$name]
    } catch {
        Say "failed ${name}: $($_.Exception.Message -replace '[\r\n]+', ' ')"
        Stop-Transcript | Out-Null
        Stop-Computer -Force
        exit 1
    }
    if ($result -contains 'restart') {
        $again = 'powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\lab\finish.ps1'
        Set-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce' -Name 'lab' -Value $again
        Say 'restart'
        Stop-Transcript | Out-Null
        Restart-Computer -Force
        exit 0
    }
    Add-Content $done $name
}
$logon = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon'
Set-ItemProperty $logon -Name AutoAdminLogon -Value '0'
Remove-ItemProperty $logon -Name DefaultPassword -ErrorAction SilentlyContinue
Remove-Item -Recurse -Force "$home_\ssh", "$env:WINDIR\Panther\unattend.xml" -ErrorAction SilentlyContinue
Say 'report'
& "$home_\report.ps1" -Port COM1
Stop-Transcript | Out-Null
if ($wanted.generalize) {
    Say 'sysprep'
    & "$env:WINDIR\System32\Sysprep\sysprep.exe" /generalize /oobe /shutdown /quiet "/unattend:$home_\unattend-generalized.xml"
} else {
    Stop-Computer -Force
}
