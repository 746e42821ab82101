"""What the painted Windows screens say, per language. Short and in our own words where Windows says more.

The first words of a sentence and the labels before a stop code are the public ones that people search
for; the rest is worded by us at about the same length, which is what layouts and readers depend on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. `{percent}`, `{code}`, `{name}` and `{module}` are filled in."""

    cjk: bool = False
    problem: str
    problem_device: str
    collecting: str
    complete: str
    more: str
    support: str
    stop_code: str
    what_failed: str
    search: str
    repairing: str
    diagnosing: str
    repair_failed: str
    repair_advice: str
    restart_button: str
    advanced_button: str
    recovery: str
    needs_repair: str
    error_code: str
    updating: str
    keep_on: str


EN = Words(
    problem="Your PC ran into a problem and needs to restart.",
    problem_device="Your device ran into a problem and needs to restart.",
    collecting="We're just collecting some error info, and then we'll restart for you.",
    complete="{percent}% complete",
    more="For more information about this issue and possible fixes, visit https://www.windows.com/stopcode",
    support="If you call a support person, give them this info:",
    stop_code="Stop code: {name}",
    what_failed="What failed: {module}",
    search="If you'd like to know more, you can search online later for this error: {name}",
    repairing="Preparing Automatic Repair",
    diagnosing="Diagnosing your PC",
    repair_failed="Your PC did not start correctly",
    repair_advice="Press Restart to try once more, or open the advanced options for other ways to repair it.",
    restart_button="Restart",
    advanced_button="Advanced options",
    recovery="Recovery",
    needs_repair="Your PC/Device needs to be repaired",
    error_code="Error code: {code}",
    updating="Working on updates  {percent}% complete",
    keep_on="Don't turn off your computer",
)
DE = Words(
    problem="Auf Ihrem PC ist ein Problem aufgetreten. Der PC muss neu gestartet werden.",
    problem_device="Auf Ihrem Gerät ist ein Problem aufgetreten. Es muss neu gestartet werden.",
    collecting="Wir sammeln noch einige Fehlerdaten, danach wird der Neustart ausgeführt.",
    complete="{percent}% abgeschlossen",
    more="Mehr über dieses Problem und mögliche Abhilfe: https://www.windows.com/stopcode",
    support="Wenn Sie den Support anrufen, nennen Sie diese Angaben:",
    stop_code="Stillstandcode: {name}",
    what_failed="Fehlerquelle: {module}",
    search="Sie können später online nach diesem Fehler suchen: {name}",
    repairing="Automatische Reparatur wird vorbereitet",
    diagnosing="Der PC wird untersucht",
    repair_failed="Der PC wurde nicht richtig gestartet",
    repair_advice="Wählen Sie Neu starten oder öffnen Sie die erweiterten Optionen, um ihn zu reparieren.",
    restart_button="Neu starten",
    advanced_button="Erweiterte Optionen",
    recovery="Wiederherstellung",
    needs_repair="Der PC muss repariert werden",
    error_code="Fehlercode: {code}",
    updating="Updates werden verarbeitet  {percent}% abgeschlossen",
    keep_on="Schalten Sie den Computer nicht aus",
)
FR = Words(
    problem="Votre PC a rencontré un problème et doit redémarrer.",
    problem_device="Votre appareil a rencontré un problème et doit redémarrer.",
    collecting="Nous collectons quelques données sur l'erreur, puis nous redémarrerons.",
    complete="{percent}% effectués",
    more="Pour en savoir plus sur ce problème : https://www.windows.com/stopcode",
    support="Si vous appelez le support, donnez ces informations :",
    stop_code="Code d'arrêt : {name}",
    what_failed="Ce qui a échoué : {module}",
    search="Vous pourrez chercher cette erreur en ligne plus tard : {name}",
    repairing="Préparation de la réparation automatique",
    diagnosing="Diagnostic de votre PC",
    repair_failed="Votre PC n'a pas démarré correctement",
    repair_advice="Choisissez Redémarrer, ou ouvrez les options avancées pour réparer le PC.",
    restart_button="Redémarrer",
    advanced_button="Options avancées",
    recovery="Récupération",
    needs_repair="Votre PC doit être réparé",
    error_code="Code d'erreur : {code}",
    updating="Mises à jour en cours  {percent}% effectués",
    keep_on="N'éteignez pas votre ordinateur",
)
ES = Words(
    problem="Tu PC tuvo un problema y debe reiniciarse.",
    problem_device="Tu dispositivo tuvo un problema y debe reiniciarse.",
    collecting="Estamos reuniendo datos del error y después reiniciaremos por ti.",
    complete="{percent}% completado",
    more="Más información sobre este problema y su solución: https://www.windows.com/stopcode",
    support="Si llamas al soporte técnico, proporciona estos datos:",
    stop_code="Código de detención: {name}",
    what_failed="Elemento con error: {module}",
    search="Más tarde puedes buscar este error en línea: {name}",
    repairing="Preparando reparación automática",
    diagnosing="Diagnosticando tu PC",
    repair_failed="El PC no se inició correctamente",
    repair_advice="Elige Reiniciar, o abre las opciones avanzadas para probar otra reparación.",
    restart_button="Reiniciar",
    advanced_button="Opciones avanzadas",
    recovery="Recuperación",
    needs_repair="Es necesario reparar el PC",
    error_code="Código de error: {code}",
    updating="Trabajando en las actualizaciones  {percent}% completado",
    keep_on="No apagues el equipo",
)
PT = Words(
    problem="Seu PC teve um problema e precisa ser reiniciado.",
    problem_device="Seu dispositivo teve um problema e precisa ser reiniciado.",
    collecting="Estamos coletando dados do erro e depois vamos reiniciar para você.",
    complete="{percent}% concluído",
    more="Para saber mais sobre este problema: https://www.windows.com/stopcode",
    support="Se ligar para o suporte, forneça estas informações:",
    stop_code="Código de parada: {name}",
    what_failed="O que falhou: {module}",
    search="Você pode pesquisar este erro online mais tarde: {name}",
    repairing="Preparando o reparo automático",
    diagnosing="Diagnosticando seu PC",
    repair_failed="O PC não foi iniciado corretamente",
    repair_advice="Escolha Reiniciar, ou abra as opções avançadas para tentar outro reparo.",
    restart_button="Reiniciar",
    advanced_button="Opções avançadas",
    recovery="Recuperação",
    needs_repair="O PC precisa ser reparado",
    error_code="Código de erro: {code}",
    updating="Trabalhando nas atualizações  {percent}% concluído",
    keep_on="Não desligue o computador",
)
RU = Words(
    problem="На вашем ПК возникла проблема, и его необходимо перезагрузить.",
    problem_device="На вашем устройстве возникла проблема, и его необходимо перезагрузить.",
    collecting="Мы собираем данные об ошибке, после этого ПК будет перезагружен.",
    complete="Завершено: {percent}%",
    more="Подробнее об этой проблеме и её решении: https://www.windows.com/stopcode",
    support="При обращении в поддержку сообщите эти данные:",
    stop_code="Код остановки: {name}",
    what_failed="Что вызвало сбой: {module}",
    search="Позже вы можете найти в Интернете эту ошибку: {name}",
    repairing="Подготовка автоматического восстановления",
    diagnosing="Диагностика компьютера",
    repair_failed="Компьютер запущен некорректно",
    repair_advice="Выберите перезагрузку или откройте дополнительные параметры восстановления.",
    restart_button="Перезагрузить",
    advanced_button="Дополнительные параметры",
    recovery="Восстановление",
    needs_repair="Компьютер необходимо восстановить",
    error_code="Код ошибки: {code}",
    updating="Работа с обновлениями  Завершено: {percent}%",
    keep_on="Не выключайте компьютер",
)
JA = Words(
    cjk=True,
    problem="PC に問題が発生したため、再起動する必要があります。",
    problem_device="デバイスに問題が発生したため、再起動する必要があります。",
    collecting="エラー情報を収集しています。その後、自動的に再起動します。",
    complete="{percent}% 完了",
    more="この問題と解決方法の詳細: https://www.windows.com/stopcode",
    support="サポートに連絡するときは、次の情報を伝えてください:",
    stop_code="停止コード: {name}",
    what_failed="失敗した内容: {module}",
    search="後でこのエラーをオンラインで検索できます: {name}",
    repairing="自動修復を準備しています",
    diagnosing="PC を診断中",
    repair_failed="PC が正しく起動しませんでした",
    repair_advice="再起動を選ぶか、詳細オプションを開いて修復してください。",
    restart_button="再起動",
    advanced_button="詳細オプション",
    recovery="回復",
    needs_repair="PC を修復する必要があります",
    error_code="エラー コード: {code}",
    updating="更新プログラムを処理しています  {percent}% 完了",
    keep_on="電源を切らないでください",
)
ZH = Words(
    cjk=True,
    problem="你的电脑遇到问题，需要重新启动。",
    problem_device="你的设备遇到问题，需要重新启动。",
    collecting="我们正在收集错误信息，然后为你重新启动。",
    complete="{percent}% 完成",
    more="有关此问题和解决方法的信息: https://www.windows.com/stopcode",
    support="如果致电支持人员，请提供以下信息:",
    stop_code="终止代码: {name}",
    what_failed="失败的操作: {module}",
    search="如需了解更多，可稍后在线搜索此错误: {name}",
    repairing="正在准备自动修复",
    diagnosing="正在诊断你的电脑",
    repair_failed="你的电脑未正确启动",
    repair_advice="请选择重启，或打开高级选项以修复电脑。",
    restart_button="重启",
    advanced_button="高级选项",
    recovery="恢复",
    needs_repair="你的电脑需要修复",
    error_code="错误代码: {code}",
    updating="正在处理更新  {percent}% 完成",
    keep_on="请勿关闭计算机",
)

LANGUAGES = {"en": EN, "de": DE, "fr": FR, "es": ES, "pt": PT, "ru": RU, "ja": JA, "zh": ZH}
