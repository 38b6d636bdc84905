'use strict';
const $=name=>document.getElementById(name),about=JSON.parse($('about').textContent);
const columns=about.columns,place=Object.fromEntries(columns.map((c,i)=>[c.name,i]));
const heads=[...document.querySelectorAll('thead th')],body=document.querySelector('tbody');
const collator=new Intl.Collator(undefined,{numeric:true});
const LETTER={planet:'P','false positive':'F',unsure:'?'};
const STEP=200,AUTOMATIC=10;
let rows=[],kept=[],most=STEP,next=1,goal=0,loading=false,failed='',order={name:about.sorted,turn:-1},chosen=null,undone=[];

// The marks: "id<tab>rank" to [mark, note], in the browser's store under the search's fingerprint.
const STORE='exojax marks '+about.fingerprint;
let marks=new Map(),stored=true;
function recall(){
 try{marks=new Map(Object.entries(JSON.parse(localStorage.getItem(STORE)||'{}')));}
 catch{stored=false;}}
function keep(){
 try{localStorage.setItem(STORE,JSON.stringify(Object.fromEntries(marks)));stored=true;}
 catch{stored=false;}
 $('kept').hidden=stored;}
const keyOf=r=>value(r,'id')+'\t'+(value(r,'rank')??'');
const markOf=r=>(marks.get(r.key)||['',''])[0],noteOf=r=>(marks.get(r.key)||['',''])[1];
function put(r,mark,note){
 undone.push([r,markOf(r),noteOf(r)]);
 if(undone.length>500)undone.shift();
 remember(r,mark,note);}
function remember(r,mark,note){
 if(mark||note)marks.set(r.key,[mark,note]);else marks.delete(r.key);
 keep();
 if(r.row)fillMark(r);
 tally();}

// Each file of rows calls this.
globalThis.addRows=list=>{
 for(const [values,sheet] of list){
  const r={values,sheet,row:null};
  r.key=keyOf(r);r.single=!!value(r,'single');
  r.strength=value(r,'snr_red')??value(r,'snr');
  r.name=nameOf(r).toLowerCase();r.flags=value(r,'flags')||'';
  r.weak=about.threshold!==null&&!(r.strength>=about.threshold);
  rows.push(r);}};
function value(r,name){const i=place[name];return i===undefined?null:r.values[i];}
const periodOf=r=>value(r,r.single?'period_min_days':'period_days');
function catalogue(r){
 const id=String(value(r,'id')),clock=value(r,'time_system');
 if(!/^\d+$/.test(id))return '';
 return clock==='BTJD'?'TIC':clock==='BKJD'?(+id>=2e8?'EPIC':'KIC'):'';}
const nameOf=r=>(catalogue(r)+' '+value(r,'id')).trim();
const short=text=>text.length<=24?text:text.slice(0,11)+'…'+text.slice(-12);
const minus=text=>text.replace('-','−');
function shown(r,c){
 const v=c.name==='period_days'?periodOf(r):value(r,c.name);
 if(v===null||v===undefined||v==='')return c.digits===null?'':'–';
 if(c.digits===null)return String(v).replaceAll(';','; ');
 if(c.name==='probability'&&v>0&&v<.0005)return '<0.001';
 return (c.name==='period_days'&&r.single?'≥ ':'')+minus(v.toFixed(c.digits));}

function make(tag,className,text){
 const e=document.createElement(tag);
 if(className)e.className=className;
 if(text!==undefined)e.textContent=text;
 return e;}
function picture(r){
 const [left,top,right,bottom]=about.thumbnail,width=92,scale=width/(right-left);
 const box=make('span','crop'),image=make('img');
 box.style.width=width+'px';box.style.height=scale*(bottom-top)*about.aspect+'px';
 Object.assign(image,{loading:'lazy',src:r.sheet,alt:'the transit of '+nameOf(r)+', folded'});
 image.style.width=scale+'px';image.style.height=scale*about.aspect+'px';image.style.marginLeft=-left*scale+'px';image.style.marginTop=-top*scale*about.aspect+'px';
 box.append(image);
 return box;}
function fillMark(r){
 const cell=r.row.cells[0],mark=markOf(r),note=noteOf(r);
 cell.replaceChildren();
 if(mark){const m=make('span','mark '+mark.split(' ')[0],LETTER[mark]);m.title=mark;m.setAttribute('role','img');m.setAttribute('aria-label',mark);cell.append(m);}
 if(note){const n=make('span','','✎');n.title=note;n.setAttribute('role','img');n.setAttribute('aria-label','note: '+note);cell.append(n);}}
function elementOf(r){
 if(r.row)return r.row;
 r.row=make('tr',r.weak?'weak':'');r.row.candidate=r;
 r.row.append(make('td'));
 for(const c of columns.filter(c=>c.table)){
  if(c.name==='id'){
   const head=make('th'),link=make('a','',short(nameOf(r)));link.title=nameOf(r);
   head.scope='row';link.href='#'+encodeURIComponent(value(r,'id'))+'/'+(value(r,'rank')??'');
   head.append(link);r.row.append(head);
   if(about.pictures){const cell=make('td','picture');if(r.sheet)cell.append(picture(r));r.row.append(cell);}
   continue;}
  const cell=make('td',c.digits===null?'w':'r',c.digits===null?undefined:shown(r,c));
  // Four lines of flags at most: all stand beside the sheet, and where the pointer rests.
  if(c.digits===null&&shown(r,c)){const words=make('span','few',shown(r,c));words.title=shown(r,c);cell.append(words);}
  cell.dataset.name=c.heading;
  r.row.append(cell);}
 fillMark(r);
 return r.row;}

// Filters: a pair of numbers each, and what else the tools say.
const RANGES=[...document.querySelectorAll('[data-range]')];
const inside=(v,low,high)=>(low===''||(v!==null&&v>=+low))&&(high===''||(v!==null&&v<=+high));
const kindOf=flag=>flag.replace(/[-+−]?\d[\d.,]*/g,'…').trim();
function passes(r,f){
 if(f.text&&!r.name.includes(f.text))return false;
 if(!f.weak&&r.weak&&!f.text)return false;
 for(const [name,low,high] of f.ranges)if(!inside(name==='period_days'?periodOf(r):name==='snr_red'?r.strength:value(r,name),low,high))return false;
 if(f.single&&r.single||f.match&&value(r,'matches'))return false;
 if(f.flag==='none'&&r.flags)return false;
 if(f.flag.startsWith('=')&&!r.flags.split(';').some(x=>kindOf(x)===f.flag.slice(1)))return false;
 if(f.sector&&!String(value(r,'sectors')??'').split(';').includes(f.sector))return false;
 if(f.mark==='none'?markOf(r):f.mark==='note'?!noteOf(r):f.mark&&markOf(r)!==f.mark)return false;
 return true;}
function filters(){
 return{text:$('text').value.trim().toLowerCase(),weak:!$('weak')||$('weak').checked,single:$('singles').checked,
  match:$('matches').checked,flag:$('flag').value,sector:$('sector')?$('sector').value:'',mark:$('marked').value,
  ranges:RANGES.map(e=>[e.dataset.range,...[...e.querySelectorAll('input')].map(i=>i.value)]).filter(x=>x[1]!==''||x[2]!=='')};}
function show(){
 const f=filters();
 kept=rows.filter(r=>passes(r,f));
 draw();}
function draw(){
 body.replaceChildren(...kept.slice(0,most).map(elementOf));
 const rest=about.total-rows.length,hidden=!$('weak')||$('weak').checked||$('text').value?0:rows.filter(r=>r.weak).length;
 $('count').textContent=`${kept.length.toLocaleString('en')} of ${rows.length.toLocaleString('en')} candidates`+
  (hidden?`; ${hidden.toLocaleString('en')} below the threshold (SNR ${about.threshold}) are hidden`:'')+
  (kept.length>most?`; the first ${most.toLocaleString('en')} are listed`:'')+
  (rest?`; ${rest.toLocaleString('en')} more ${failed||(loading?'are being loaded':'can be loaded')}`:'');
 $('more').hidden=kept.length<=most;$('all').hidden=!rest||loading;
 for(const h of heads)h.removeAttribute('aria-sort');
 const head=heads.find(h=>h.dataset.name===order.name);
 if(head)head.setAttribute('aria-sort',order.turn<0?'descending':'ascending');
 $('by').value=order.name;
 point();}
function tally(){
 const n={};
 for(const [mark] of marks.values())if(mark)n[mark]=(n[mark]||0)+1;
 const words=Object.keys(LETTER).filter(m=>n[m]).map(m=>n[m]+' '+m);
 $('tally').textContent=words.length?'Marked: '+words.join(', '):'No candidate is marked yet';
 $('undo').disabled=!undone.length;$('export').disabled=!marks.size;
 $('exofop').disabled=!n.planet;}
function sortValue(r,name){
 if(name==='mark'){const m=markOf(r);return m===''?null:m;}
 const v=name==='period_days'?periodOf(r):value(r,name);
 return v===''||v===undefined?null:v;}
function arrange(){
 const {name,turn}=order,sorted=rows.map(r=>[sortValue(r,name),r]);
 // What is unknown stands last both ways.
 sorted.sort(([x],[y])=>x===null?(y===null?0:1):y===null?-1:turn*(typeof x==='number'?x-y:collator.compare(x,y)));
 rows=sorted.map(pair=>pair[1]);
 show();}
function sort(name){
 const column=columns.find(c=>c.name===name),up=!column||column.digits===null||column.up;
 order={name,turn:order.name===name?-order.turn:up?1:-1};most=STEP;
 load(Infinity);arrange();}

// The candidate beside the table.
function point(){
 for(const e of body.querySelectorAll('[aria-current]'))e.removeAttribute('aria-current');
 if(chosen&&chosen.row)chosen.row.setAttribute('aria-current','true');}
function link(href,text){
 const a=make('a','button',text);
 Object.assign(a,{href,target:'_blank',rel:'noopener noreferrer'});
 return a;}
function choose(r,{scroll=true,open=true}={}){
 chosen=r;
 if(open)document.body.classList.add('open');
 $('who').textContent=r?nameOf(r)+', candidate '+(value(r,'rank')??'–'):'No candidate chosen';
 $('acts').hidden=!r;
 if(!r){$('facts').replaceChildren();$('sheet').replaceChildren();$('links').replaceChildren();return;}
 const at=kept.indexOf(r);
 if(at>=most){most=at+STEP;draw();}
 point();
 if(scroll&&r.row)r.row.scrollIntoView({block:'nearest'});
 $('note').value=noteOf(r);pressed();
 $('facts').replaceChildren(...columns.filter(c=>c.name!=='id'&&c.name!=='rank'&&c.detail).flatMap(c=>{
  const text=shown(r,c);
  if(text===''||(text==='–'&&!c.table))return [];
  const item=make('div',c.digits===null&&text.length>24?'long':'');
  item.append(make('dt','',c.heading),make('dd','',text));item.title=c.meaning;
  return [item];}));
 if(r.sheet){
  const page=make('a','page'),image=make('img');
  Object.assign(page,{href:r.sheet,target:'_blank',rel:'noopener'});
  Object.assign(image,{src:r.sheet,alt:'vetting sheet of '+nameOf(r)+', candidate '+value(r,'rank'),width:1753,height:1240});
  page.append(image);$('sheet').replaceChildren(page);
 }else $('sheet').replaceChildren(make('p','soft','No sheet was drawn of this candidate: search.py --sheets N draws those of the N best.'));
 const target=nameOf(r),kind=catalogue(r),id=value(r,'id'),ask=encodeURIComponent(target);
 const exofop={TIC:'tess/target.php?id=',KIC:'kepler/edit_target.php?id=',EPIC:'k2/edit_target.php?id='}[kind];
 $('links').replaceChildren(...(kind?[
  link('https://exofop.ipac.caltech.edu/'+exofop+encodeURIComponent(id),'ExoFOP'),
  link('https://mast.stsci.edu/portal/Mashup/Clients/Mast/Portal.html?searchQuery='+ask,'MAST'),
  link('https://simbad.cds.unistra.fr/simbad/sim-id?Ident='+ask,'SIMBAD')]:[make('span','soft','no catalogue number, so no links')]));
 if(r.sheet&&about.pdf)$('links').append(link(r.sheet.replace(/\.png$/,'.pdf'),'PDF'));}
function pressed(){
 for(const b of document.querySelectorAll('[data-mark]'))b.setAttribute('aria-pressed',String(chosen&&markOf(chosen)===b.dataset.mark));}
function step(by){
 if(!kept.length)return;
 const at=chosen?kept.indexOf(chosen):-1;
 choose(kept[Math.min(Math.max(at<0?0:at+by,0),kept.length-1)]);}
function mark(name){
 if(!chosen)return;
 const r=chosen,at=kept.indexOf(r),after=kept[at+1];
 put(r,markOf(r)===name?'':name,noteOf(r));
 if($('marked').value)show();
 if($('onward').checked&&markOf(r)&&after)choose(after);else{pressed();point();}}
function undo(){
 const last=undone.pop();
 if(!last)return;
 const [r,mark,note]=last;
 remember(r,mark,note);
 if($('marked').value)show();
 choose(r);}

// What leaves the page.
function save(name,text,type){
 const a=make('a');
 a.href=URL.createObjectURL(new Blob([text],{type}));a.download=name;
 document.body.append(a);a.click();a.remove();
 setTimeout(()=>URL.revokeObjectURL(a.href),1000);}
const cell=text=>/[",\n\r#]|^\s|\s$/.test(text)?'"'+text.replaceAll('"','""')+'"':text;
function exportMarks(){
 const lines=[...marks].map(([key,[mark,note]])=>[...key.split('\t'),mark,note].map(cell).join(','));
 save('marks.csv','id,rank,mark,note\n'+lines.sort(collator.compare).join('\n')+'\n','text/csv');}
const EXOFOP='target|flag|disp|period|period_unc|epoch|epoch_unc|depth|depth_unc|duration|duration_unc|inc|inc_unc|imp|imp_unc|r_planet|r_planet_unc|ar_star|a_rstar_unc|radius|radius_unc|mass|mass_unc|temp|temp_unc|insol|insol_unc|dens|dens_unc|sma|sma_unc|ecc|ecc_unc|arg_peri|arg_peri_unc|time_peri|time_peri_unc|vsa|vsa_unc|tag|group|prop_period|notes';
function exportExofop(){
 const zero={BTJD:2457000,BKJD:2454833,BJD:0},text=v=>v===null||v===undefined?'':String(v),lines=[],left=[];
 for(const r of rows.filter(r=>markOf(r)==='planet')){
  const start=zero[value(r,'time_system')];
  if(!catalogue(r)||start===undefined){left.push(nameOf(r));continue;}
  const known={target:catalogue(r)+value(r,'id')+'.'+String(value(r,'rank')??1).padStart(2,'0'),flag:'newctoi',disp:'PC',
   period:text(value(r,'period_days')),period_unc:text(value(r,'period_error_days')),
   epoch:(value(r,'t0_days')+start).toFixed(6),epoch_unc:text(value(r,'t0_error_days')),
   depth:text(value(r,'depth_ppm')),depth_unc:text(value(r,'depth_error_ppm')),duration:text(value(r,'duration_hours')),
   r_planet:text(value(r,'vet_planet_radius')),
   prop_period:'0',notes:noteOf(r).replace(/[|\r\n]/g,' ')};
  lines.push(EXOFOP.split('|').map(name=>known[name]??'').join('|'));}
 const day=new Date().toISOString().slice(0,10).replaceAll('-','');
 save(`params_planet_${day}_001.txt`,EXOFOP+'\n'+lines.join('\n')+'\n','text/plain');
 $('tally').textContent=`${lines.length} exported`+(left.length?`; ${left.length} left out, without a catalogue number or a clock that is known (${left[0]})`:'');}

// Script files are all that a page opened from a disk may read.
const read=number=>new Promise((done,fail)=>{
 const script=make('script');
 script.src='rows/'+String(number).padStart(4,'0')+'.js';
 script.onload=()=>{script.remove();done();};script.onerror=()=>fail(script.src);
 document.head.append(script);});
// Whoever sorts or filters wants it of all candidates.
async function load(last){
 goal=Math.max(goal,Math.min(last,about.files));
 if(loading||next>goal)return;
 loading=true;failed='';
 try{for(;next<=goal;next++)await read(next);}
 catch(name){failed='are missing, as '+name+' cannot be read';}
 loading=false;
 options();arrange();}
function options(){
 const kinds=new Map(),sectors=new Set();
 for(const r of rows){
  for(const flag of r.flags.split(';'))if(flag)kinds.set(kindOf(flag),(kinds.get(kindOf(flag))||0)+1);
  for(const s of String(value(r,'sectors')??'').split(';'))if(s)sectors.add(s);}
 const fill=(select,list)=>{
  const was=select.value;
  for(const o of [...select.options])if('made' in o.dataset)o.remove();
  for(const [v,text] of list){const o=make('option','',text);o.value=v;o.dataset.made='';select.append(o);}
  if([...select.options].some(o=>o.value===was))select.value=was;};
 fill($('flag'),[...kinds].sort((a,b)=>b[1]-a[1]).slice(0,30).map(([k,n])=>['='+k,`${k} (${n.toLocaleString('en')})`]));
 if($('sector'))fill($('sector'),[...sectors].sort(collator.compare).map(s=>[s,s]));}

for(const h of heads)if(h.dataset.name)h.querySelector('button').addEventListener('click',()=>sort(h.dataset.name));
$('by').addEventListener('input',()=>{order={name:'',turn:1};sort($('by').value);});
for(const i of document.querySelectorAll('.tools input,.tools select:not(#by)'))i.addEventListener('input',()=>{most=STEP;load(Infinity);show();});
body.addEventListener('click',event=>{
 const row=event.target.closest('tr');
 if(!row)return;
 if(event.target.closest('a'))event.preventDefault();
 choose(row.candidate,{scroll:false});});
for(const b of document.querySelectorAll('[data-mark]'))b.addEventListener('click',()=>mark(b.dataset.mark));
$('note').addEventListener('change',()=>chosen&&put(chosen,markOf(chosen),$('note').value.trim()));
$('before').addEventListener('click',()=>step(-1));$('after').addEventListener('click',()=>step(1));
$('back').addEventListener('click',()=>{document.body.classList.remove('open');point();if(chosen&&chosen.row)chosen.row.scrollIntoView({block:'center'});});
$('undo').addEventListener('click',undo);$('export').addEventListener('click',exportMarks);$('exofop').addEventListener('click',exportExofop);
$('more').addEventListener('click',()=>{most*=4;draw();});$('all').addEventListener('click',()=>{load(Infinity);show();});
window.addEventListener('storage',event=>{if(event.key===STORE){recall();rows.forEach(r=>r.row&&fillMark(r));tally();pressed();}});
document.addEventListener('keydown',event=>{
 const typing=event.target.matches('input:not([type=checkbox]),select,textarea');
 if(event.key==='Escape'){if(typing)event.target.blur();else document.body.classList.remove('open');return;}
 if(typing){if(event.key==='Enter'&&event.target===$('note'))event.target.blur();return;}
 if((event.ctrlKey||event.metaKey)&&event.key==='z'){event.preventDefault();undo();return;}
 if(event.ctrlKey||event.metaKey||event.altKey)return;
 const act={j:()=>step(1),ArrowDown:()=>step(1),k:()=>step(-1),ArrowUp:()=>step(-1),
  p:()=>mark('planet'),f:()=>mark('false positive'),u:()=>mark('unsure'),z:undo,
  n:()=>chosen&&$('note').focus(),'/':()=>{document.body.classList.remove('open');$('text').focus();},
  o:()=>chosen&&chosen.sheet&&window.open(chosen.sheet,'_blank','noopener')}[event.key];
 if(act){event.preventDefault();act();}});

$('filters').open=matchMedia('(min-width:761px)').matches;
recall();keep();$('app').hidden=false;tally();
load(AUTOMATIC).then(()=>{
 const [id,rank]=decodeURIComponent(location.hash.slice(1)).split('/');
 const asked=id&&rows.find(r=>String(value(r,'id'))===id&&String(value(r,'rank')??'')===(rank??''));
 choose(asked||kept[0]||null,{scroll:!!asked,open:!!asked});
 document.body.dataset.ready='';});
